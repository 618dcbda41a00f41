import { testStateContract } from '../../test/contract/state.contract.ts';
import { createMemoryState } from './state-memory.ts';

testStateContract('memory', () => ({ open: createMemoryState, clean: () => {} }));
