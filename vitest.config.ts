import { defineConfig } from 'vitest/config';

const exclude = ['**/*.long.test.ts', '**/*.fault.test.ts', 'node_modules/**'];

// The tests of every day: unit and property tests beside the code, contract, end-to-end and repository
// tests in test/. Long proofs have configurations of their own.
export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // How long a condition may take is not what a test tells: on a busy machine a second is little.
    expect: { poll: { timeout: 10_000 } },
    pool: 'forks',
    // A test that starts processes mostly waits for them: one worker for each core, where vitest would keep one core free.
    maxWorkers: '100%',
    projects: [
      {
        extends: true,
        test: { name: 'whole', include: ['test/**/*.test.ts', 'examples/**/*.test.ts'], exclude },
      },
      {
        extends: true,
        // Files beside the code share a worker and the modules it has loaded: to start one and load them for each of 160 files takes a
        // fifth of all the time. So such a file leaves nothing behind: no timer, no variable of the environment, no state of a module.
        test: { name: 'beside', include: ['src/**/*.test.ts'], exclude, isolate: false },
      },
    ],
  },
});
