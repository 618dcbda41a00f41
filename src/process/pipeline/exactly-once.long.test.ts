// The law of pipelines over many more runs: MILLRACE_ROUNDS of them (default 1,000) from MILLRACE_SEED on.
process.env['MILLRACE_ROUNDS'] ??= '1000';
process.env['MILLRACE_SEED'] ??= '1000000';
await import('./exactly-once.property.test.ts');
