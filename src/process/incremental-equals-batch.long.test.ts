// The master law over many more seeds: MILLRACE_ROUNDS of them (default 200) from MILLRACE_SEED on.
process.env['MILLRACE_ROUNDS'] ??= '200';
process.env['MILLRACE_SEED'] ??= '1000000';
await import('./incremental-equals-batch.property.test.ts');
