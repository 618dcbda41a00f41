// The groups of one window of a view over views: made of the rows of the windows under it, or merged of finer windows of its own. Bounded by
// the view's cap of groups; beyond it the smallest, by rows, go to one overflow group.
import { murmur128Text } from '../../core/hash.ts';
import type { KeyPart } from '../../store/state-key.ts';
import { noSlot } from '../accumulators/accumulator.ts';
import { AccumulatorSet } from '../accumulators/accumulator-set.ts';
import { type CompiledSource, vectorOf } from '../plan/expression/compile.ts';
import type { Value } from '../plan/expression/evaluate.ts';
import { booleanFromText, castScalar, numberFromText } from '../plan/functions/cast.ts';
import { fromBigInt, type Scalar } from '../plan/functions/function.ts';
import { withTextBound } from '../plan/functions/made-texts.ts';
import type { Plan, ScalarType } from '../plan/plan.ts';
import { type ColumnSource, scalarAt, type Vector } from '../plan/vector.ts';
import type { ViewColumn, ViewValue, WindowRow } from '../view.ts';
import { groupKey } from '../windows/group-registry.ts';
import type { Group } from '../windows/merged-groups.ts';

const overflowKey = 'overflow';

export class DerivedCells {
  /** How often the windows under it were published, together. */
  published = 0;
  /** Set where a row under it stood for several groups, or for part of one. */
  isIncomplete = false;
  private readonly plan: Plan;
  private readonly accumulators: AccumulatorSet;
  private readonly slots = new Map<string, number>();
  private readonly groups: (readonly KeyPart[] | undefined)[] = [];

  constructor(plan: Plan) {
    this.plan = plan;
    this.accumulators = new AccumulatorSet(plan.sources[0]!.aggregates);
  }

  get size(): number {
    return this.slots.size;
  }

  private slot(values: readonly KeyPart[] | undefined, key: string): number {
    let slot = this.slots.get(key);
    if (slot === undefined) {
      slot = this.accumulators.allocate();
      this.slots.set(key, slot);
      this.groups[slot] = values;
    }
    return slot;
  }

  /** Takes in the rows of one window of a view under it. */
  addRows(rows: readonly WindowRow[], columns: readonly ViewColumn[], source: CompiledSource): void {
    if (rows.length === 0) return;
    this.isIncomplete ||= rows.some(row => row.overflow || row.incomplete);
    withTextBound(() => this.addColumns(rows, new RowColumns(rows, columns), source));
    this.compact(2);
  }

  private addColumns(rows: readonly WindowRow[], fields: RowColumns, source: CompiledSource): void {
    source.texts.begin();
    const mask = source.filter?.(fields);
    const groups = source.groups.map(column => column(fields));
    const slots = new Int32Array(rows.length).fill(noSlot);
    for (let row = 0; row < rows.length; row++) {
      if (mask && mask[row] === 0) continue;
      const values = groups.map(vector => scalarAt(vector, row) as KeyPart);
      slots[row] = this.slot(values, groupKey(values));
      this.accumulators.weights[slots[row]!]! += 1;
    }
    source.aggregates.forEach(({ aggregate, args, filter }, index) => {
      const kept = slots.slice();
      if (filter) {
        const condition = filter(fields);
        for (let row = 0; row < rows.length; row++) if (condition[row] !== 1) kept[row] = noSlot;
      }
      const vectors = args.map(arg => arg(fields));
      const takesTime =
        (aggregate.function === 'first' || aggregate.function === 'last') && args.length === 1;
      if (takesTime) vectors.push(fields.eventTime());
      this.accumulators.accumulators[index]!.update(vectors, rows.length, kept);
    });
  }

  /** Takes in a finer window. */
  merge(other: DerivedCells): void {
    const from = Int32Array.from(other.slots.values());
    const to = Int32Array.from(other.slots, ([key, slot]) => this.slot(other.groups[slot], key));
    this.accumulators.merge(other.accumulators, from, to, from.length);
    this.isIncomplete ||= other.isIncomplete;
    this.compact(2);
  }

  /** Moves the smallest groups beyond the cap to the overflow group, once there are `slack` times as many. */
  compact(slack: number): void {
    const { maxGroups } = this.plan;
    if (this.slots.size <= maxGroups * slack + 1) return;
    const { weights } = this.accumulators;
    const ordered = [...this.slots].filter(([key]) => key !== overflowKey);
    ordered.sort(([a, x], [b, y]) => weights[y]! - weights[x]! || (a < b ? -1 : 1));
    const leaving = ordered.slice(maxGroups);
    const overflow = this.slot(undefined, overflowKey);
    const from = Int32Array.from(leaving, ([, slot]) => slot);
    this.accumulators.merge(this.accumulators, from, new Int32Array(from.length).fill(overflow), from.length);
    for (const [key, slot] of leaving) {
      this.slots.delete(key);
      this.accumulators.release(slot);
    }
    this.isIncomplete = true;
  }

  rows(): Group[] {
    return [...this.slots].map(([key, slot]) => ({
      groups: this.groups[slot] ?? this.plan.sources[0]!.groups.map(() => null),
      aggregates: this.accumulators.values(slot) as Value[],
      isOverflow: key === overflowKey,
      isIncomplete: this.isIncomplete && key !== overflowKey,
    }));
  }

  memoryBytes(): number {
    return this.accumulators.memoryBytes() + this.slots.size * 100;
  }
}

/** Rows of windows as the columns that a plan's expressions read. */
class RowColumns implements ColumnSource {
  readonly rows: number;
  private readonly source: readonly WindowRow[];
  private readonly columns: readonly ViewColumn[];

  constructor(source: readonly WindowRow[], columns: readonly ViewColumn[]) {
    this.rows = source.length;
    this.source = source;
    this.columns = columns;
  }

  private values(path: readonly string[]): ViewValue[] | Float64Array {
    const [name, ...inner] = path;
    if (name === 'window_start') return Float64Array.from(this.source, row => row.startUs);
    if (name === 'window_end') return Float64Array.from(this.source, row => row.endUs);
    const index = this.columns.findIndex(column => column.name === name);
    return this.source.map(row => {
      let value: ViewValue = row.values[index] ?? null;
      for (const key of inner) {
        value =
          value !== null && typeof value === 'object' && !Array.isArray(value) ? (value[key] ?? null) : null;
      }
      return value;
    });
  }

  field(path: readonly string[], type: ScalarType): Vector {
    const values = this.values(path);
    if (values instanceof Float64Array) {
      return { kind: 'time', rows: this.rows, values, valid: new Uint8Array(this.rows).fill(1) };
    }
    const columnType = this.columns.find(({ name }) => name === path[0])?.type;
    return vectorOf(
      values.map(value => scalarOf(value, type, columnType)),
      type,
    );
  }

  hash(path: readonly string[]): Vector {
    const values = [...this.values(path)];
    const words = new Uint32Array(values.length * 4);
    values.forEach((value, row) => {
      const { h1Low, h1High, h2Low, h2High } = murmur128Text(String(scalarOf(value, 'any')));
      words.set([h1Low, h1High, h2Low, h2High], row * 4);
    });
    const valid = Uint8Array.from(values, value => (value === null ? 0 : 1));
    return { kind: 'hash', rows: this.rows, words, valid };
  }

  presence(path: readonly string[]): Vector {
    const valid = Uint8Array.from([...this.values(path)], value => (value === null ? 0 : 1));
    return { kind: 'boolean', rows: this.rows, values: valid, valid };
  }

  eventTime(): Vector {
    const values = Float64Array.from(this.source, row => row.startUs);
    return { kind: 'time', rows: this.rows, values, valid: new Uint8Array(this.rows).fill(1) };
  }
}

/** A result's value as the type an expression wants; what is no whole number of 64 bits is none of a column of sums. */
function scalarOf(value: ViewValue, type: ScalarType, columnType?: string): Scalar {
  if (value === null) return null;
  const plain = typeof value === 'object' ? JSON.stringify(value) : value;
  switch (type) {
    case 'integer':
      if (typeof plain === 'string' && /^-?\d+$/.test(plain)) {
        return fromBigInt(BigInt(plain)) ?? (columnType === 'HUGEINT' ? null : Number(plain));
      }
      return numberOf(plain);
    case 'number':
    case 'interval':
      return numberOf(plain);
    case 'time':
      return castScalar(plain, 'any', 'TIMESTAMP');
    case 'date':
      return castScalar(plain, 'any', 'DATE');
    case 'boolean':
      return booleanFromText(String(plain));
    case 'text':
      return String(plain);
    case 'any':
      return plain;
  }
}

/** A text counts where it spells a finite number, and no boolean is one. */
function numberOf(value: string | number | boolean): number | null {
  if (typeof value !== 'string') return typeof value === 'number' ? value : null;
  const number = numberFromText(value);
  return Number.isFinite(number) ? number : null;
}
