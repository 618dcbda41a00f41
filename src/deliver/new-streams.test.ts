import { expect, test, vi } from 'vitest';
import type { Log } from '../flow/log.ts';
import { NewStreams } from './new-streams.ts';

function setUp(known: string[] = []) {
  let append: (result: { stream: string; count: number }) => void = () => {};
  const log = {
    onAppend: (listener: typeof append) => {
      append = listener;
      return () => {
        append = () => {};
      };
    },
    streams: async () => [
      {
        name: 'old',
        partitions: [
          { first: 5, end: 5 },
          { first: 0, end: 2000 },
        ],
      },
    ],
  } as unknown as Log;
  const worked: string[] = [];
  const failed: string[] = [];
  const streams = new NewStreams({
    log,
    isKnown: name => known.includes(name),
    work: async name => {
      worked.push(name);
      known.push(name);
      if (name === 'bad') throw new Error('no');
    },
    onFailure: name => failed.push(name),
  });
  return { streams, worked, failed, append: (stream: string, count: number) => append({ stream, count }) };
}

test('a stream is worked on once: at a thousand events, or when somebody waits for it', async () => {
  const { streams, worked, append } = setUp(['known']);
  append('known', 5000);
  append('slow', 10);
  append('quick', 999);
  expect(worked).toEqual([]);
  append('quick', 1);
  append('quick', 5000);
  expect(worked).toEqual(['quick']);
  await streams.ready();
  expect(worked).toEqual(['quick', 'slow']);
  append('slow', 5000);
  await streams.close();
  expect(worked).toEqual(['quick', 'slow']);
});

test('a stream that grows slowly is not waited for longer than a moment', async () => {
  vi.useFakeTimers();
  try {
    const { streams, worked, append } = setUp();
    append('slow', 1);
    append('slow', 0);
    vi.advanceTimersByTime(10_000);
    expect(worked).toEqual(['slow']);
    append('late', 1);
    await streams.close();
    vi.advanceTimersByTime(10_000);
    append('later', 5000);
    expect(worked).toEqual(['slow']);
  } finally {
    vi.useRealTimers();
  }
});

test('streams from before are taken up, and one that fails is told of and stops no other', async () => {
  const { streams, worked, failed, append } = setUp();
  await streams.start();
  append('bad', 1000);
  append('good', 1000);
  await streams.ready();
  expect(worked).toEqual(['old', 'bad', 'good']);
  expect(failed).toEqual(['bad']);
  await streams.close();
});
