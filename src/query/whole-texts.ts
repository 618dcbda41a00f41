// Texts of DuckDB's answers, to the first character: @duckdb/node-api decodes them by a TextDecoder that takes a leading U+FEFF for a
// byte order mark and drops it, and has no setting for it. It looks its decoder up in its module at every text, so that one which keeps
// the character can stand there. For this process alone, once, before anything is read; a test tells when another version of the package
// does it otherwise.
import { createRequire } from 'node:module';

const accessors = '@duckdb/node-api/lib/vectors/dataAccessors.js';

export function keepByteOrderMarks(): void {
  const module = createRequire(import.meta.url)(accessors) as { textDecoder: TextDecoder };
  module.textDecoder = new TextDecoder('utf-8', { ignoreBOM: true });
}
