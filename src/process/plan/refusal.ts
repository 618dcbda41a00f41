// Why a view cannot be defined, at a place in its file. A position counts characters (UTF-16 units) from 0 in the whole
// file, header included; line and column count from 1. DuckDB counts bytes; `Source` translates.
import { MillraceError } from '../../core/errors.ts';

/** What a refusal's `context` holds. */
export interface Place {
  position: number;
  line: number;
  column: number;
}

/** A view's file as the errors need it: its name and its text. */
export class Source {
  readonly name: string;
  readonly text: string;
  /** Where the statement begins: behind the header and blanks. What has no place of its own is said of it. */
  readonly start: number;
  /** Parts of the expressions bound so far, and the steps that it took. */
  parts = 0;
  private readonly bytes: Buffer;

  constructor(name: string, text: string) {
    this.name = name;
    this.text = text;
    this.bytes = Buffer.from(text);
    this.start = /^(\s*--[^\n]*(\n|$)|\s|\/\*[\s\S]*?\*\/)*/.exec(text)![0].length;
  }

  /** Line and column of a character position; a position out of range is moved to the nearest end. */
  place(position: number): Place {
    const at = Math.min(Math.max(0, position), this.text.length);
    const before = this.text.slice(0, at);
    const lineStart = before.lastIndexOf('\n') + 1;
    return { position: at, line: before.split('\n').length, column: at - lineStart + 1 };
  }

  /** The character position of a byte position as DuckDB gives it; `undefined` for its "unknown" (2^64 − 1). */
  fromBytes(byte: number | undefined): number | undefined {
    if (byte === undefined || !(byte >= 0) || byte > this.bytes.length) return undefined;
    const position = this.bytes.toString('utf8', 0, byte).length;
    // A node that the parser made up itself, as the star of a bare FROM, has place 0.
    return position < this.start ? undefined : position;
  }

  /** `view-refused` (400): what is wrong, where, and what to write instead. */
  refuse(position: number | undefined, reason: string, suggestion: string): never {
    const place = this.place(position ?? this.start);
    throw new MillraceError(
      'view-refused',
      `View "${this.name}", line ${place.line}, column ${place.column}: ${reason}`,
      { status: 400, remedy: suggestion, context: { view: this.name, ...place, reason } },
    );
  }

  /** `view-syntax` (400): the text is not SQL, or a header line is not what its key takes. */
  syntax(position: number | undefined, reason: string, suggestion: string): never {
    const place = this.place(position ?? this.start);
    throw new MillraceError(
      'view-syntax',
      `View "${this.name}", line ${place.line}, column ${place.column}: ${reason}`,
      { status: 400, remedy: suggestion, context: { view: this.name, ...place, reason } },
    );
  }
}
