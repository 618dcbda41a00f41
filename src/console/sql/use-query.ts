// Runs one query at a time; a new one cancels the one under way.
import { type Signal, signal } from '@preact/signals';
import { useState } from 'preact/hooks';
import type { SqlAnswer } from '../../deliver/api.ts';
import { api } from '../api-client.ts';

export interface QueryState {
  isRunning: boolean;
  /** The text that `answer` or `error` belongs to. */
  sql?: string;
  answer?: SqlAnswer;
  error?: unknown;
}

export interface Query {
  state: Signal<QueryState>;
  run: (sql: string) => Promise<void>;
  cancel: () => void;
}

function createQuery(): Query {
  const state = signal<QueryState>({ isRunning: false });
  let abort: AbortController | undefined;
  const cancel = () => {
    abort?.abort();
    abort = undefined;
    state.value = { ...state.value, isRunning: false };
  };
  return {
    state,
    cancel,
    async run(sql) {
      abort?.abort();
      const mine = (abort = new AbortController());
      state.value = { ...state.value, isRunning: true, error: undefined };
      try {
        const answer = await api.sql({ sql }, mine.signal);
        if (abort === mine) state.value = { isRunning: false, sql, answer };
      } catch (error) {
        if (abort === mine) state.value = { isRunning: false, sql, error };
      }
    },
  };
}

export function useQuery(): Query {
  const [query] = useState(createQuery);
  return query;
}
