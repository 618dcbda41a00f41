// The public surface of `millrace/analyze`: mathematics for streams, pure and without a clock. Each folder lists its own.
export { Rng } from '../core/rng.ts';
export * from './anomaly/index.ts';
export * from './bandit/index.ts';
export * from './experiment/index.ts';
export * from './forecast/index.ts';
export * from './model/index.ts';
export * from './sketch/index.ts';
export * from './stats/index.ts';
