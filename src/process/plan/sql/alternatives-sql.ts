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
  /** What is replaced is what something is divided by. */
  private isDivisor = false;

  constructor(bounds: Bounds, leaves: SqlLeaves, columns: PartColumns) {
    this.bounds = bounds;
    this.leaves = leaves;
    this.columns = columns;
  }

  leavesOf(chosen: readonly number[]): SqlLeaves {
    return {
      ...this.leaves,
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
    if (expression.function === '%' && isBounded && !bounds.isInexact(expression.args[1]!)) {
      return this.part(expression, () => ({ isCondition: false, values: this.remainders(expression) }));
    }
    if (expression.function !== '/')
      return { ...expression, args: expression.args.map(arg => this.replaced(arg)) };
    const [dividend, divisor] = expression.args as [Expression, Expression];
    const wasDivisor = this.isDivisor;
    const args = [this.replaced(dividend)];
    this.isDivisor = true;
    args.push(this.replaced(divisor));
    this.isDivisor = wasDivisor;
    return { ...expression, args };
  }

  /** A divisor that may be nothing may also be next to nothing, on both sides. */
  private nearZero(part: Expression): string[] {
    if (!this.isDivisor) return [];
    const value = this.sql(part);
    const isNear = `abs(${value}) <= ${this.bounds.sizeOf(part)}`;
    return ['1e-300', '-1e-300'].map(next => `(CASE WHEN ${isNear} THEN ${next} ELSE ${value} END)`);
  }

  /** Of a remainder: where the ends are in two periods, it may come up to a whole one and begin again with 0. */
  private remainders(call: Expression & { kind: 'call' }): string[] {
    const [value, period] = call.args as [Expression, Expression];
    const [low, high] = this.bounds.ends(value);
    const by = this.sql(period);
    const whole = this.sql(call);
    const jumps = `trunc(${low} / ${by}) <> trunc(${high} / ${by})`;
    const turns = ['0', `sign(${this.sql(value)}) * abs(${by})`].map(
      turn => `(CASE WHEN ${jumps} THEN ${turn} ELSE ${whole} END)`,
    );
    return [whole, `(${low} % ${by})`, `(${high} % ${by})`, ...turns];
  }

  private sql(part: Expression): string {
    return expressionSql(part, this.leaves);
  }

  private part(expression: Expression, make: () => Part): Expression {
    const key = `${this.isDivisor}${JSON.stringify(expression)}`;
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
  const choices = [sizes.map(() => 0)];
  for (let value = 1; value < Math.max(...sizes); value++) {
    choices.push(sizes.map(size => Math.min(value, size - 1)));
    for (const [part, size] of sizes.entries()) {
      if (value < size) choices.push(sizes.map((_, other) => (other === part ? value : 0)));
    }
  }
  return choices;
}
