// All scalar functions by name, and the choice of a signature: the one whose parameters the arguments fit at least cost.

import { parseTimeUs } from '../../../core/time-text.ts';
import type { Expression, ScalarType } from '../plan.ts';
import { arithmetic } from './arithmetic.ts';
import { castFunctions, numberFromText } from './cast.ts';
import { comparisons } from './comparison.ts';
import type { ScalarFunction, Signature } from './function.ts';
import { regexFunctions } from './regex.ts';
import { textFunctions } from './text.ts';
import { timeFunctions } from './time.ts';
import { urlFunctions } from './url.ts';

/** Every scalar function and operator, in the order of the documentation. */
export const scalarFunctions: readonly ScalarFunction[] = [
  ...arithmetic,
  ...comparisons,
  ...textFunctions,
  ...regexFunctions,
  ...timeFunctions,
  ...urlFunctions,
  ...castFunctions,
];

const byName = new Map<string, ScalarFunction>();
for (const entry of scalarFunctions) {
  for (const name of [entry.name, ...(entry.aliases ?? [])]) byName.set(name, entry);
}

/** The function behind a name as DuckDB's parser gives it, aliases included. */
export function scalarFunction(name: string): ScalarFunction | undefined {
  return byName.get(name.toLowerCase());
}

/** Every name that `scalarFunction` knows, operators and casts among them. */
export const scalarFunctionNames = (): Iterable<string> => byName.keys();

export function parameterType(signature: Signature, index: number): ScalarType | undefined {
  return signature.parameters[index] ?? (signature.variadic ? signature.parameters.at(-1) : undefined);
}

/** What it costs to use an argument as a parameter: 0 as it is; undefined where it cannot be. */
export function conversionCost(argument: Expression, wanted: ScalarType): number | undefined {
  if (argument.type === wanted) return 0;
  if (argument.kind === 'literal') {
    if (argument.value === null) return 0;
    // A text literal takes the type that the other side asks for, where it spells a value of it.
    if (argument.type === 'text' && typeof argument.value === 'string') {
      if (wanted === 'time' || wanted === 'date') {
        return parseTimeUs(argument.value) === undefined ? undefined : wanted === 'time' ? 1 : 1.5;
      }
      if (wanted === 'integer' || wanted === 'number') {
        return numberFromText(argument.value) === null ? undefined : 1.5;
      }
    }
  }
  // A literal beyond 2^53 asks for whole numbers: as a double it would be another one.
  if (isBeyondDoubles(argument) && wanted === 'number') return 8;
  if (argument.type === 'integer' && wanted === 'number') return argument.kind === 'literal' ? 0.01 : 0.5;
  if (argument.type === 'date' && wanted === 'time') return 0.5;
  if (argument.type !== 'any') return undefined;
  return anyCost[wanted];
}

const isBeyondDoubles = (argument: Expression): boolean =>
  argument.kind === 'literal' && argument.type === 'integer' && typeof argument.value === 'string';

const anyCost: Record<ScalarType, number> = {
  number: 2,
  text: 2.1,
  time: 2.2,
  date: 2.9,
  boolean: 2.3,
  interval: 9,
  integer: 8,
  any: 0,
};

/** The signature that fits the arguments, and undefined where none does. */
export function resolveSignature(entry: ScalarFunction, args: readonly Expression[]): Signature | undefined {
  let [best, bestCost]: [Signature | undefined, number] = [undefined, Infinity];
  for (const signature of entry.signatures) {
    const least = signature.parameters.length - (signature.optional ?? 0);
    if (args.length < least || (!signature.variadic && args.length > signature.parameters.length)) continue;
    let total = 0;
    for (let index = 0; index < args.length && total < bestCost; index++) {
      total += conversionCost(args[index]!, parameterType(signature, index)!) ?? Infinity;
    }
    if (total < bestCost) [best, bestCost] = [signature, total];
  }
  return best;
}
