// Something asked for again and again while the page is in sight; an error keeps the last value.
import { useEffect, useReducer, useState } from 'preact/hooks';

export interface Polled<T> {
  value: T | undefined;
  error: unknown;
  retry: () => void;
}

export function usePolled<T>(load: () => Promise<T>, inputs: unknown[], everyMs: number): Polled<T> {
  const [round, retry] = useReducer((n: number, _: undefined) => n + 1, 0);
  const [state, setState] = useState<{ value?: T; error?: unknown }>({});
  useEffect(() => {
    let isCurrent = true;
    let timer: ReturnType<typeof setTimeout>;
    const ask = async () => {
      if (!document.hidden) {
        try {
          const value = await load();
          if (isCurrent) setState({ value });
        } catch (error) {
          if (isCurrent) setState(held => ({ ...held, error }));
        }
      }
      if (isCurrent) timer = setTimeout(ask, everyMs);
    };
    void ask();
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
    // The caller names what the load depends on.
  }, [...inputs, round]);
  return { ...state, value: state.value, error: state.error, retry: () => retry(undefined) };
}
