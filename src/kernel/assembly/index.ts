// The exports of kernel.wasm; ../kernel-wasm.ts is their only caller. Pointers are bytes in linear memory.
export { startMemory, usedMemory, alloc, free, capacityOf, scratchOf } from './memory';
export { validate, accepted, rejected } from './validate';
export { arrayToNdjson } from './split-array';
export { setPowersOfFive } from './number';
export { keysAt, keyBytes, murmur128 } from './hash';
export { newDecoder, rootOf, childOf, addField, freeDecoder, fieldOf } from './plan';
export { decode, decodeEnd } from './decode';
export { clearDictionary } from './dictionary';
export { accessLogToNdjson, accessLogOutput, accessLogConsumed, accessLogLines } from './access-log';
export { newGrouper, resetGrouper, freeGrouper, idsFor, assignGroups } from './grouper';
