// The rows of a batch that a filter took, as columns of their own, gathered when they are asked for: expressions are computed
// for these alone.
import type { ScalarType } from '../plan/plan.ts';
import type { ColumnSource, Vector } from '../plan/vector.ts';

export class SelectedColumns implements ColumnSource {
  rows = 0;
  private source: ColumnSource | undefined;
  private selected: Uint32Array = new Uint32Array(0);
  private readonly gathered = new Map<string, Vector>();

  /** Takes `selected[0, rows)`, row numbers of `source`. */
  select(source: ColumnSource, selected: Uint32Array, rows: number): void {
    this.source = source;
    this.selected = selected;
    this.rows = rows;
    this.gathered.clear();
  }

  field(path: readonly string[], type: ScalarType): Vector {
    return this.once(`${type}\0${path.join('\0')}`, source => source.field(path, type));
  }

  hash(path: readonly string[]): Vector {
    return this.once(`hash\0${path.join('\0')}`, source => source.hash(path));
  }

  presence(path: readonly string[]): Vector {
    return this.once(`presence\0${path.join('\0')}`, source => source.presence(path));
  }

  eventTime(): Vector {
    return this.once('', source => source.eventTime());
  }

  private once(key: string, read: (source: ColumnSource) => Vector): Vector {
    let vector = this.gathered.get(key);
    if (!vector) {
      vector = gather(read(this.source!), this.selected, this.rows);
      this.gathered.set(key, vector);
    }
    return vector;
  }
}

function gather(vector: Vector, selected: Uint32Array, rows: number): Vector {
  const valid = pick(vector.valid, new Uint8Array(rows), selected, rows);
  switch (vector.kind) {
    case 'number':
    case 'time':
      return { ...vector, rows, valid, values: pick(vector.values, new Float64Array(rows), selected, rows) };
    case 'boolean':
      return { ...vector, rows, valid, values: pick(vector.values, new Uint8Array(rows), selected, rows) };
    case 'dictionary':
      return { ...vector, rows, valid, codes: pick(vector.codes, new Uint32Array(rows), selected, rows) };
    case 'integer': {
      const values = new BigInt64Array(rows);
      const doubles = new Map<number, number>();
      for (let i = 0; i < rows; i++) {
        values[i] = vector.values[selected[i]!]!;
        const double = vector.doubles?.get(selected[i]!);
        if (double !== undefined) doubles.set(i, double);
      }
      return { ...vector, rows, valid, values, doubles };
    }
    case 'hash': {
      const words = new Uint32Array(rows * 4);
      for (let i = 0; i < rows; i++)
        words.set(vector.words.subarray(selected[i]! * 4, selected[i]! * 4 + 4), i * 4);
      return { ...vector, rows, valid, words };
    }
  }
}

type Numbers = Float64Array | Uint8Array | Uint32Array;

function pick<To extends Numbers>(from: To, to: To, selected: Uint32Array, rows: number): To {
  for (let i = 0; i < rows; i++) to[i] = from[selected[i]!]!;
  return to;
}
