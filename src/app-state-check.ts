// The composition root of the process that reads a state from end to end, and is ended by it where the state is damaged. What it ends with
// is read by `state-check.ts`.
import { toError } from './core/errors.ts';
import { damagedCode, isOfSystem, walkState } from './store/state-lmdb.ts';

try {
  await walkState(process.argv[2]!);
} catch (thrown) {
  process.stderr.write(toError(thrown).message);
  process.exitCode = isOfSystem(thrown) ? 1 : damagedCode;
}
