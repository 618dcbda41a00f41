import { defineConfig } from 'vitest/config';

// The tests of every day: unit and property tests beside the code, contract, end-to-end and repository
// tests in test/. Long proofs have configurations of their own.
export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts'],
    exclude: ['**/*.long.test.ts', '**/*.fault.test.ts', 'node_modules/**'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // A test that starts processes mostly waits for them: one worker for each core, where vitest would keep one core free.
    maxWorkers: '100%',
  },
});
