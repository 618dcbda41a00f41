// The failure of one view: what its own expressions throw is said of it alone, and holds nothing else up.
import { codeOf, MillraceError, toError } from '../../core/errors.ts';

const viewFailedCode = 'view-failed';

export interface FailingView {
  readonly plan: { name: string };
  /** Takes no more events; what was committed stays. */
  fail(failure: Error): void;
}

/** Runs what computes rows of a view. Whatever that throws is the view's failure, and thrown as `view-failed` (500). */
export function ofView<T>(view: FailingView, compute: () => T): T {
  try {
    return compute();
  } catch (thrown) {
    // One under it has failed, and knows.
    if (codeOf(thrown) === viewFailedCode) throw thrown;
    const failure = viewFailed(view.plan.name, thrown);
    view.fail(failure);
    throw failure;
  }
}

export function viewFailed(name: string, cause: unknown): MillraceError {
  if (cause instanceof MillraceError && cause.code === viewFailedCode) return cause;
  return new MillraceError(
    viewFailedCode,
    `The rows of the view "${name}" cannot be computed: ${toError(cause).message}`,
    { remedy: 'Write it in another way, or restart to go on where it stopped.', cause },
  );
}
