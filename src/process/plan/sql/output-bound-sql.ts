// By how much what is computed above the aggregation may differ between the engine and a batch: a number by how far its parts lead it
// astray, anything else by what it may be instead (alternatives-sql.ts). What has no bound is exact.
import type { Expression, Plan } from '../plan.ts';
import {
  alternativesSql,
  anything,
  type Bounds,
  beyondBounds,
  edged,
  type PartColumns,
} from './alternatives-sql.ts';
import { type FieldShares, furtherShare, groupInexactness, lastDigits, transcendental } from './bound-sql.ts';
import { expressionSql, type SqlLeaves } from './expression-sql.ts';

/** Functions that are the same number for the same arguments everywhere, and whose bound follows from those of the arguments. */
const arithmetic: ReadonlySet<string> = new Set(['+', '-', '*', '/', 'abs']);
/** Aggregates that are never negative. */
const magnitudes: ReadonlySet<string> = new Set([
  'var_pop',
  'var_samp',
  'stddev_pop',
  'stddev_samp',
  'count_distinct',
  'approx_count_distinct',
  'approx_frequency',
]);

/** By how much values may be off that are neither a number within a bound nor one of a few. */
export function furtherShareOf(expression: Expression): number {
  switch (expression.kind) {
    case 'call':
      if (transcendental.has(expression.function))
        return edged.has(expression.function) ? lastDigits : furtherShare;
      return Math.max(0, ...expression.args.map(furtherShareOf));
    case 'case': {
      const values = [...expression.branches.map(({ value }) => value), expression.otherwise];
      return Math.max(...values.map(furtherShareOf));
    }
    default:
      return 0;
  }
}

/** What outputs and conditions may be beside what they are, over the columns of `_grouped` where `_b3` is the bound of aggregate 3. */
export class OutputBounds implements Bounds, PartColumns {
  private readonly plan: Plan;
  private readonly bounded: ReadonlySet<number>;
  private readonly drifted: ReadonlySet<number>;
  private readonly leaves: SqlLeaves;
  private readonly shares: FieldShares;
  readonly rounding = lastDigits;
  private readonly known = new WeakMap<Expression, string | undefined>();
  private readonly inexact = new WeakMap<Expression, boolean>();
  private readonly parts = new Map<string, string>();

  /** `bounded`: aggregates that have a bound; `drifted`: those of whole numbers that are doubles by now. */
  constructor(
    plan: Plan,
    bounded: ReadonlySet<number>,
    drifted: ReadonlySet<number>,
    leaves: SqlLeaves,
    shares: FieldShares,
  ) {
    this.shares = shares;
    this.plan = plan;
    this.bounded = bounded;
    this.drifted = drifted;
    this.leaves = leaves;
  }

  /** The bound of an output that is a number, or lists of what it may be, as alternatives-sql.ts has them; undefined where it is exact. */
  outputSql(expression: Expression): string | undefined {
    if (expression.kind === 'aggregate')
      return this.bounded.has(expression.index) ? `_b${expression.index}` : undefined;
    if (this.of(expression) !== undefined) return this.sizeOf(expression);
    const lists = alternativesSql(expression, this, this.leaves, this);
    const isNumber = expression.type === 'number' || expression.type === 'integer';
    const shortened = isNumber ? extremesOf : distinctOf;
    return lists && `[${lists.map(list => shortened(`[${list.join(', ')}]`)).join(', ')}]`;
  }

  /** Where a condition may hold, and where it may not; undefined where it is certain. */
  conditionSql(condition: Expression): { mayHold: string; mayFail: string } | undefined {
    const all = alternativesSql(condition, this, this.leaves, this)?.flat();
    return all && { mayHold: `(${all.join(' OR ')})`, mayFail: `NOT coalesce(${all.join(' AND ')}, false)` };
  }

  name(sql: string): string {
    const known = this.parts.get(sql) ?? `_p${this.parts.size}`;
    this.parts.set(sql, known);
    return known;
  }

  /** The columns beside those of `_grouped` that outputs and conditions are made of, with their names. */
  get columns(): string[] {
    return [...this.parts].map(([sql, name]) => `${sql} AS ${name}`);
  }

  isInexact(part: Expression): boolean {
    let known = this.inexact.get(part);
    if (known === undefined) this.inexact.set(part, (known = this.findInexact(part)));
    return known;
  }

  of(part: Expression): string | undefined {
    if (!this.known.has(part)) this.known.set(part, this.find(part));
    return this.known.get(part);
  }

  private findInexact(part: Expression): boolean {
    if (this.of(part) !== undefined) return true;
    switch (part.kind) {
      case 'call':
        return part.args.some(arg => this.isInexact(arg));
      case 'case':
        return (
          this.isInexact(part.otherwise) ||
          part.branches.some(({ when, value }) => this.isInexact(when) || this.isInexact(value))
        );
      default:
        return false;
    }
  }

  private find(part: Expression): string | undefined {
    if (part.type !== 'number' && part.type !== 'integer') return undefined;
    switch (part.kind) {
      case 'aggregate':
        return this.bounded.has(part.index) ? finite(`_b${part.index}`) : undefined;
      case 'group': {
        const share = groupInexactness(this.plan, part.index, this.shares);
        return share === 0 ? undefined : `${share} * abs(${this.sql(part)})`;
      }
      case 'call':
        return this.ofCall(part);
      default:
        return undefined;
    }
  }

  sizeOf(part: Expression): string {
    const bound = this.of(part);
    if (bound === undefined) return '0';
    // Here infinity is of a divisor that may be nothing, and NaN too, which is above all numbers.
    return this.mayBeAnything(part)
      ? `(CASE WHEN ${bound} >= ${anything} THEN ${beyondBounds} ELSE ${finite(bound)} END)`
      : finite(bound);
  }

  ends(part: Expression): readonly [string, string] {
    const [value, bound] = [this.sql(part), this.sizeOf(part)];
    const isMagnitude =
      part.kind === 'aggregate' && magnitudes.has(this.plan.sources[0]!.aggregates[part.index]!.function);
    const [least, most] = isMagnitude
      ? [`greatest(${value} - ${bound}, 0)`, `(${value} + ${bound})`]
      : [`(${value} - ${bound})`, `(${value} + ${bound})`];
    // From infinity no bound leads back.
    const end = (finite: string, sign: string): string =>
      this.mayBeAnything(part)
        ? `(CASE WHEN ${bound} >= ${anything} THEN ${sign}${beyondBounds} ELSE ${finite} END)`
        : finite;
    const [low, high] = [end(least, '-'), end(most, '')];
    if (part.type === 'number' || this.hasDrifted(part)) return [low, high];
    return [`TRY_CAST(ceil(${low}) AS BIGINT)`, `TRY_CAST(floor(${high}) AS BIGINT)`];
  }

  /** A quotient whose divisor may be nothing. */
  private mayBeAnything(part: Expression): boolean {
    return this.of(part)!.includes(`THEN ${beyondBounds}`);
  }

  private sql(part: Expression): string {
    return expressionSql(part, this.leaves);
  }

  private hasDrifted(part: Expression): boolean {
    if (part.kind === 'aggregate') return this.drifted.has(part.index);
    return part.kind === 'call' && part.args.some(arg => this.hasDrifted(arg));
  }

  private ofCall(part: Expression & { kind: 'call' }): string | undefined {
    const isInexact = part.args.map(arg => this.isInexact(arg));
    const rounding = `${lastDigits} * abs(${this.sql(part)})`;
    if (!isInexact.includes(true)) return transcendental.has(part.function) ? rounding : undefined;
    const bounds = part.args.map(arg => this.of(arg));
    if (bounds.some((bound, index) => isInexact[index] && bound === undefined)) return undefined;
    if (!arithmetic.has(part.function)) return this.ofCurve(part, isInexact, rounding);
    const [a, b] = part.args.map(arg => `abs(${this.sql(arg)})`);
    const [ofA = '0', ofB = '0'] = bounds;
    switch (part.function) {
      case '*':
        return `(${a} * ${ofB} + ${b} * ${ofA} + ${rounding})`;
      case '/': {
        const away = `${ofA} + abs(${this.sql(part)}) * ${ofB}`;
        if (bounds[1] === undefined) return `((${away}) / ${b} + ${rounding})`;
        // What may be divided by nothing may be anything.
        const isNear = `${ofB} > 0 AND ${b} <= ${ofB}`;
        return `(CASE WHEN ${isNear} THEN ${beyondBounds} ELSE (${away}) / (${b} - ${ofB}) + ${rounding} END)`;
      }
      default:
        return `(${ofA} + ${ofB} + ${rounding})`;
    }
  }

  /** Of a function without jumps of one inexact number: how far it goes on both sides. */
  private ofCurve(
    part: Expression & { kind: 'call' },
    isInexact: readonly boolean[],
    rounding: string,
  ): string | undefined {
    const place = isInexact.indexOf(true);
    const isCurve = transcendental.has(part.function) && !edged.has(part.function);
    if (!isCurve || isInexact.lastIndexOf(true) !== place) return undefined;
    const value = this.sql(part);
    const away = this.ends(part.args[place]!).map(
      end => `abs(${this.withArgument(part, place, end)} - ${value})`,
    );
    return `(greatest(${away.join(', ')}) + ${rounding})`;
  }

  withArgument(call: Expression & { kind: 'call' }, place: number, sql: string): string {
    const args = call.args.map((arg, index) => (index === place ? endLeaf : arg));
    const aggregate = (index: number) => (index === endLeaf.index ? sql : this.leaves.aggregate!(index));
    return expressionSql({ ...call, args }, { ...this.leaves, aggregate });
  }
}

/** Of a list all that is compared with: the least and the greatest, NULL and NaN. */
const extremesOf = (list: string): string => {
  const numbers = 'list_filter(l, lambda v: NOT isnan(v::DOUBLE))';
  const others = 'list_filter(l, lambda v: v IS NULL OR isnan(v::DOUBLE))';
  return `list_transform([${list}], lambda l: list_concat([list_min(${numbers}), list_max(${numbers})], ${others}))[1]`;
};

const distinctOf = (list: string): string =>
  `list_transform([${list}], lambda l: list_concat(list_distinct(l), list_filter(l, lambda v: v IS NULL)))[1]`;

/** Stands for an end of a bound. */
const endLeaf: Expression & { kind: 'aggregate' } = { kind: 'aggregate', index: -1, type: 'number' };

/** A bound is nothing where there is nothing to be off. */
const finite = (bound: string): string => `(CASE WHEN isfinite(${bound}) THEN ${bound} ELSE 0 END)`;
