// What an expression above the aggregation may be beside its value, where it is made of numbers that are known to a bound: round(avg(x), 2)
// may be either side of a step, a comparison true or false, a CASE another branch. SQL computes it with each such number at both ends of
// its bound, and with each comparison that lies within its bound the other way round.
import type { Expression } from '../plan.ts';
import { expressionSql, type SqlLeaves } from './expression-sql.ts';

/** The bound of what may be anything, since it is divided by what may be nothing. */
export const beyondBounds = 1e300;
/** From which on it is one, whatever it was multiplied with. */
export const anything = 1e290;

/** How numbers are bounded. */
export interface Bounds {
  /** The bound of a number, as SQL; undefined where it is exact, or none can be said because it jumps. */
  of(part: Expression): string | undefined;
  isInexact(part: Expression): boolean;
  /** The bound where it is finite, and 0 where there is none. */
  sizeOf(part: Expression): string;
  /** A few units in the last place. */
  readonly rounding: number;
  /** A call with SQL in place of an argument. */
  withArgument(call: Expression & { kind: 'call' }, place: number, sql: string): string;
  /** The ends of a number's bound. */
  ends(part: Expression): readonly [string, string];
}

/** A part of an expression by itself: first as it is, then as it may be too. */
interface Part {
  isCondition: boolean;
  values: readonly string[];
}

/** Parts as columns of a table that the alternatives are asked of, so that each is computed once. */
export interface PartColumns {
  /** The name of a column with this value. */
  name(sql: string): string;
}

/** What is computed at most; of more parts the others are varied one by one and all together. */
const combinationsMax = 81;

const comparisons: ReadonlySet<string> = new Set([
  '=',
  '<>',
  '<',
  '<=',
  '>',
  '>=',
  'in',
  'not in',
  'is distinct from',
  'is not distinct from',
]);

/** Functions that have a value on one side of 0 alone. */
export const edged: ReadonlySet<string> = new Set(['sqrt', 'ln', 'log', 'log2', 'log10']);

/**
 * The expression as SQL over `columns`, in lists: within one, which is for one outcome of the comparisons, a number may be anything between the least and
 * the greatest. The first of the first list is the value itself. Undefined where it is exact.
 */
export function alternativesSql(
  expression: Expression,
  bounds: Bounds,
  leaves: SqlLeaves,
  columns: PartColumns,
): string[][] | undefined {
  if (!bounds.isInexact(expression)) return undefined;
  const parts = new Parts(bounds, leaves, columns);
  const whole = parts.replaced(expression);
  return combinations(parts.all).map(group =>
    group.map(chosen => expressionSql(whole, parts.leavesOf(chosen))),
  );
}

/** Places of parts are told from those of aggregates by this. */
const firstPart = 1_000_000;

class Parts {
  readonly all: Part[] = [];
  private readonly known = new Map<string, number>();
  private readonly bounds: Bounds;
  private readonly leaves: SqlLeaves;
  private readonly columns: PartColumns;

  constructor(bounds: Bounds, leaves: SqlLeaves, columns: PartColumns) {
    this.bounds = bounds;
    this.leaves = leaves;
    this.columns = columns;
  }

  leavesOf(chosen: readonly number[]): SqlLeaves {
    return {
      ...this.leaves,
      isWide: index => index < firstPart && this.leaves.isWide!(index),
      aggregate: index =>
        index < firstPart
          ? this.leaves.aggregate!(index)
          : this.all[index - firstPart]!.values[chosen[index - firstPart]!]!,
    };
  }

  /** The expression with leaves in place of its parts. */
  replaced(expression: Expression): Expression {
    const { bounds } = this;
    if (!bounds.isInexact(expression)) return expression;
    if (bounds.of(expression) !== undefined) {
      return this.part(expression, () => ({
        isCondition: false,
        values: [this.sql(expression), ...bounds.ends(expression), ...this.nearZero(expression)],
      }));
    }
    if (expression.kind === 'case') {
      const branches = expression.branches.map(({ when, value }) => ({
        when: this.replaced(when),
        value: this.replaced(value),
      }));
      return { ...expression, branches, otherwise: this.replaced(expression.otherwise) };
    }
    if (expression.kind !== 'call') return expression;
    if (expression.function === 'nullif') return this.replaced(asCase(expression));
    const isBounded = expression.args.every(arg => !bounds.isInexact(arg) || bounds.of(arg) !== undefined);
    if (comparisons.has(expression.function) && isBounded) {
      return this.part(expression, () => ({ isCondition: true, values: this.outcomes(expression) }));
    }
    if (expression.args.length === 1 && edged.has(expression.function) && isBounded) {
      return this.part(expression, () => ({ isCondition: false, values: this.edges(expression) }));
    }
    if (expression.function === '%' && isBounded && !bounds.isInexact(expression.args[1]!)) {
      return this.part(expression, () => ({ isCondition: false, values: this.remainders(expression) }));
    }
    return { ...expression, args: expression.args.map(arg => this.replaced(arg)) };
  }

  /** A number that may be nothing may also be next to nothing, on both sides. */
  private nearZero(part: Expression): string[] {
    const value = this.sql(part);
    const bound = this.bounds.sizeOf(part);
    const isNear = `abs(${value}) <= ${bound} OR ${bound} >= ${anything}`;
    const zeros = part.type === 'number' ? ['0', '1e-300', '-1e-300'] : ['0'];
    return zeros.map(zero => `(CASE WHEN ${isNear} THEN ${zero} ELSE ${value} END)`);
  }

  /** Of a remainder: where the ends are in two periods, it may come up to a whole one, of either sign, and begin again with 0. */
  private remainders(call: Expression & { kind: 'call' }): string[] {
    const [value, period] = call.args as [Expression, Expression];
    const [low, high] = this.bounds.ends(value);
    const by = this.sql(period);
    const whole = this.sql(call);
    const jumps = `trunc(${low} / ${by}) <> trunc(${high} / ${by})`;
    const turn = (condition: string, to: string): string =>
      `(CASE WHEN ${condition} THEN ${to} ELSE ${whole} END)`;
    return [
      whole,
      `(${low} % ${by})`,
      `(${high} % ${by})`,
      turn(`${jumps} OR ${low} * ${high} < 0`, '0'),
      turn(`${jumps} AND ${high} > 0`, `abs(${by})`),
      turn(`${jumps} AND ${low} < 0`, `-abs(${by})`),
    ];
  }

  /** Of a logarithm or root: beside the ends what it is next to where it has no value. */
  private edges(call: Expression & { kind: 'call' }): string[] {
    const value = this.sql(call);
    const at = (end: string): string => this.bounds.withArgument(call, 0, end);
    const [low, high] = this.bounds.ends(call.args[0]!);
    const next = ['0', '1e-300'].map(
      end => `(CASE WHEN ${low} <= 0 AND ${high} >= 0 THEN ${at(`${end}::DOUBLE`)} ELSE ${value} END)`,
    );
    const rounding = (end: string): string => `abs(${at(end)}) * ${this.bounds.rounding}`;
    const ends = [`(${at(low)} - ${rounding(low)})`, `(${at(high)} + ${rounding(high)})`] as const;
    const zero = `(CASE WHEN ${ends[0]} <= 0 AND ${ends[1]} >= 0 THEN 0 ELSE ${value} END)`;
    return [value, ...ends, at(low), ...next, zero];
  }

  private sql(part: Expression): string {
    return expressionSql(part, this.leaves);
  }

  private part(expression: Expression, make: () => Part): Expression {
    const key = JSON.stringify(expression);
    let index = this.known.get(key);
    if (index === undefined) {
      const { isCondition, values } = make();
      index = this.all.push({ isCondition, values: values.map(value => this.columns.name(value)) }) - 1;
      this.known.set(key, index);
    }
    return { kind: 'aggregate', index: firstPart + index, type: expression.type };
  }

  /** A comparison, and its contrary where the two sides are no farther apart than they are known. */
  private outcomes(comparison: Expression & { kind: 'call' }): string[] {
    const [left, ...right] = comparison.args;
    const near = right.map(one => {
      const bound = [left!, one].map(side => this.bounds.sizeOf(side)).join(' + ');
      const isNear = `abs(${this.sql(left!)} - ${this.sql(one)}) <= ${bound}`;
      return `(${bound} > 0 AND (${bound} >= ${anything} OR ${isNear}))`;
    });
    const holds = this.sql(comparison);
    return [holds, `(CASE WHEN ${near.join(' OR ')} THEN NOT ${holds} ELSE ${holds} END)`];
  }
}

function asCase(call: Expression & { kind: 'call' }): Expression {
  const [value, other] = call.args as [Expression, Expression];
  const when: Expression = { kind: 'call', function: '=', args: [value, other], type: 'boolean' };
  const nothing: Expression = { kind: 'literal', value: null, type: call.type };
  return { kind: 'case', branches: [{ when, value: nothing }], otherwise: value, type: call.type };
}

/** Which value each part has: a list for every outcome of the conditions, of all values of the numbers. */
function combinations(parts: readonly Part[]): number[][][] {
  const total = parts.reduce((product, { values }) => product * values.length, 1);
  const choose = total <= combinationsMax ? everyChoice : someChoices;
  const sizes = (isCondition: boolean): number[] =>
    parts.map(part => (part.isCondition === isCondition ? part.values.length : 1));
  return choose(sizes(true)).map(outcome =>
    choose(sizes(false)).map(chosen => chosen.map((value, part) => value + outcome[part]!)),
  );
}

function everyChoice(sizes: readonly number[]): number[][] {
  let choices: number[][] = [[]];
  for (const size of sizes) {
    choices = choices.flatMap(choice => Array.from({ length: size }, (_, value) => [...choice, value]));
  }
  return choices;
}

function someChoices(sizes: readonly number[]): number[][] {
  const alike = (value: number) => sizes.map(size => Math.min(value, size - 1));
  const choices: number[][] = [];
  for (let value = 0; value < Math.max(...sizes); value++) {
    choices.push(alike(value));
    // One by one, with the others as they are and at either end.
    for (const others of [0, 1, 2].map(alike)) {
      for (const [part, size] of sizes.entries()) {
        if (value < size) choices.push(others.map((other, at) => (at === part ? value : other)));
      }
    }
  }
  return choices;
}
