import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.fault.test.ts', 'test/**/*.fault.test.ts'],
    testTimeout: 1_800_000,
    hookTimeout: 60_000,
    pool: 'forks',
  },
});
