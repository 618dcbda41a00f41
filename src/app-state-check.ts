// The composition root of the process that reads a state from end to end, and is ended by it where the state is damaged.
import { toError } from './core/errors.ts';
import { walkState } from './store/state-lmdb.ts';

try {
  await walkState(process.argv[2]!);
} catch (thrown) {
  process.stderr.write(toError(thrown).message);
  process.exitCode = 1;
}
