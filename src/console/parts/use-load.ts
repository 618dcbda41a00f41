// Something asked for once for each set of inputs: its value, or the error and a way to ask again.
import { useEffect, useReducer, useState } from 'preact/hooks';

export interface Loaded<T> {
  value: T | undefined;
  error: unknown;
  isBusy: boolean;
  retry: () => void;
}

/** The last value stays while the next is on its way; answers that come out of order are ignored. */
export function useLoad<T>(load: () => Promise<T>, inputs: unknown[]): Loaded<T> {
  const [round, retry] = useReducer((n: number, _: undefined) => n + 1, 0);
  const [state, setState] = useState<{ value?: T; error?: unknown; isBusy: boolean }>({ isBusy: true });
  // The caller names what the load depends on.
  useEffect(() => {
    let isCurrent = true;
    setState(held => ({ ...held, isBusy: true }));
    load().then(
      value => isCurrent && setState({ value, isBusy: false }),
      error => isCurrent && setState({ error, isBusy: false }),
    );
    return () => {
      isCurrent = false;
    };
  }, [...inputs, round]);
  return { value: state.value, error: state.error, isBusy: state.isBusy, retry: () => retry(undefined) };
}
