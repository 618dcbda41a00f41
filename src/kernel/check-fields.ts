// What a decoder's field list must be, whatever kernel decodes it.
import { MillraceError } from '../core/errors.ts';
import type { FieldSpec } from './kernel.ts';
import { isWellFormed } from './scalar-text.ts';

export const maxFields = 1024;
export const maxPathKeys = 32;

/** Throws `bad-field` for an empty path, one of more than 32 keys, or more than one where it is exact, or a key without UTF-8. */
export function checkFields(fields: readonly FieldSpec[]): void {
  if (fields.length > maxFields) {
    throw new MillraceError(
      'bad-field',
      `A decoder takes at most ${maxFields} fields, not ${fields.length}.`,
    );
  }
  for (const { path, isExact } of fields) {
    if (path.length < 1 || path.length > maxPathKeys || !path.every(isWellFormed)) {
      throw new MillraceError('bad-field', `A field's path has 1 to ${maxPathKeys} keys.`, {
        context: { path },
      });
    }
    if (isExact && path.length > 1) {
      throw new MillraceError('bad-field', 'An exact field has a path of one key.', { context: { path } });
    }
  }
}
