// Serialised forms that say what they are: a mark of the family, the kind, a version, then the fields. Whatever the
// bytes are, reading them gives a state or the one typed error of the family.
import { ByteReader, ByteWriter } from '../../../core/bytes.ts';
import { MillraceError } from '../../../core/errors.ts';
import { readWhole } from './serialized-form.ts';

/** A family of forms. `kinds` gives each its byte; bytes are never used twice. */
export class MarkedForm<Kind extends string> {
  private readonly mark: number;
  private readonly kinds: Readonly<Record<Kind, number>>;
  private readonly corrupt: (detail: string, context?: Record<string, unknown>) => MillraceError;

  constructor(
    mark: number,
    kinds: Readonly<Record<Kind, number>>,
    corrupt: (detail: string, context?: Record<string, unknown>) => MillraceError,
  ) {
    this.mark = mark;
    this.kinds = kinds;
    this.corrupt = corrupt;
  }

  /** A writer behind mark, kind and version. */
  begin(kind: Kind, version = 1): ByteWriter {
    return new ByteWriter().u8(this.mark).u8(this.kinds[kind]).u8(version);
  }

  /** Runs `read` on the fields. Throws the family's error, whatever is wrong. */
  read<Result>(bytes: Uint8Array, kind: Kind, read: (reader: ByteReader) => Result, known = 1): Result {
    try {
      const reader = new ByteReader(bytes);
      if (reader.u8() !== this.mark || reader.u8() !== this.kinds[kind]) throw this.corrupt('another kind.');
      const version = reader.u8();
      if (version !== known) throw this.corrupt('their version is not known.', { version, known });
      return readWhole(reader, read, this.corrupt);
    } catch (thrown) {
      if (!(thrown instanceof MillraceError && thrown.code === 'truncated-bytes')) throw thrown;
      throw this.corrupt('they end early.');
    }
  }
}
