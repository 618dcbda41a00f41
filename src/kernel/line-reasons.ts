// Why a line is refused: the stable texts of LineError.reason. The compiled kernel reports an index into this
// list (assembly/reasons.ts has the same order), so entries are only ever appended.

export const maxDepth = 64;

/** Bytes of a line, its newline left out, unless `validate` is told otherwise. */
export const defaultMaxLineBytes = 1_048_576;

/** Refused lines described in a result, unless the caller asks for more or fewer. */
export const defaultMaxErrors = 100;

export const lineReasons = [
  'unexpected end',
  'unexpected byte',
  'bad escape',
  'control character in string',
  'bad number',
  'invalid UTF-8',
  'nested deeper than 64',
  'not an object',
  'not an array or object',
  'bytes after the value',
  'longer than the line limit',
  'bad vhost',
  'bad ip',
  'bad ident',
  'bad user',
  'bad time',
  'bad request',
  'bad status',
  'bad bytes',
  'bad referer',
  'bad agent',
  'bytes after the agent',
] as const;

export type LineReason = (typeof lineReasons)[number];
