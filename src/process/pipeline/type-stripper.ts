// TypeScript to JavaScript by blanking out the types, as Node itself does it: every line and column stays, so that stacks need no
// source map. Only syntax that vanishes is understood: no enums, no namespaces, no parameter properties.
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import { MillraceError } from '../../core/errors.ts';

interface Stripper {
  transformSync(
    source: string,
    options: { mode: 'strip-only'; module: true; filename: string },
  ): { code: string };
}

interface StripFault {
  code: string;
  message: string;
  startLine?: number;
  startColumn?: number;
}

let stripper: Stripper | undefined;

/** Loaded with the first pipeline: it takes some 20 MB. */
function loadStripper(): Stripper {
  stripper ??= createRequire(import.meta.url)('@swc/wasm-typescript') as Stripper;
  return stripper;
}

/** Throws `bad-pipeline` with file, line and column. */
export function stripTypes(source: string, path: string): string {
  try {
    return loadStripper().transformSync(source, {
      mode: 'strip-only',
      module: true,
      filename: basename(path),
    }).code;
  } catch (thrown) {
    const { code, message, startLine, startColumn } = thrown as StripFault;
    const isUnsupported = code === 'UnsupportedSyntax';
    const place = startLine === undefined ? '' : `:${startLine}:${startColumn! + 1}`;
    throw new MillraceError(
      'bad-pipeline',
      `pipelines/${basename(path)}${place}: ${message.replace(/\.$/, '')}.`,
      {
        status: 400,
        remedy: isUnsupported
          ? 'Write it in a way that types can be removed from: a const object for an enum, `as` for <T>.'
          : 'Mend the syntax; it is read again when the file changes.',
        context: {
          file: path,
          line: startLine,
          column: startColumn === undefined ? undefined : startColumn + 1,
        },
        cause: thrown,
      },
    );
  }
}
