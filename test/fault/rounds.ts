// How many rounds a proof runs and from which seed; printed, so that a failure can be run again alone:
// MILLRACE_ROUNDS shortens, MILLRACE_SEED moves the first seed.

export interface Rounds {
  count: number;
  seed: number;
}

const numberFrom = (name: string): number | undefined => {
  const value = Number(process.env[name]);
  return process.env[name] !== undefined && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
};

export function roundsOf(title: string, full: number): Rounds {
  const count = Math.min(full, numberFrom('MILLRACE_ROUNDS') ?? full);
  const seed = numberFrom('MILLRACE_SEED') ?? 1;
  console.info(`${title}: ${count} of ${full} rounds from seed ${seed}`);
  return { count, seed };
}

/** Runs `round` for each seed; a failure names its seed. */
export async function everySeed(
  { count, seed }: Rounds,
  round: (seed: number) => Promise<unknown>,
): Promise<void> {
  for (let i = 0; i < count; i++) {
    await round(seed + i).catch(thrown => {
      throw new Error(`seed ${seed + i}: ${(thrown as Error).message}`, { cause: thrown });
    });
  }
}
