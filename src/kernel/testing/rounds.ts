// How long and from which seed the random tests run.

/** MILLRACE_ROUNDS, or `usual`. */
export const roundsOr = (usual: number): number => Number(process.env['MILLRACE_ROUNDS'] ?? usual);

/** MILLRACE_SEED, or a fixed one. */
export const seed = Number(process.env['MILLRACE_SEED'] ?? 20261122);
