// Numbers to the last bit: the compiled kernel against JSON.parse over doubles of every size, spelled in
// every length, and against BigInt for whole numbers.
import { expect, test } from 'vitest';
import { Rng } from '../core/rng.ts';
import { cell } from './kernel.ts';
import { canonicalNumber } from './scalar-text.ts';
import { createWasmKernel, fill } from './testing/kernels.ts';
import { roundsOr, seed } from './testing/rounds.ts';

const kernel = createWasmKernel();
const decoder = kernel.decoder([
  { path: ['v'], kind: 'f64' },
  { path: ['v'], kind: 'i64' },
  { path: ['v'], kind: 'dict' },
]);

/** A double of random bits: every exponent alike. */
function anyDouble(rng: Rng): number {
  const words = Uint32Array.of(rng.uint32(), rng.uint32() & 0x7fffffff);
  const value = new Float64Array(words.buffer)[0]!;
  return Number.isFinite(value) ? value : rng.float();
}

function spell(rng: Rng): string {
  const value = rng.boolean() ? anyDouble(rng) : rng.float() * 10 ** rng.below(16);
  const sign = rng.boolean(0.2) ? '-' : '';
  switch (rng.below(7)) {
    case 0:
      return sign + JSON.stringify(value);
    case 1:
      return sign + value.toPrecision(1 + rng.below(25)).replace('e+', rng.pick(['e+', 'e', 'E+']));
    case 2:
      return sign + value.toExponential(rng.below(22));
    case 3:
      return sign + String(rng.uint32() * rng.uint32());
    case 4:
      return `${sign}${rng.below(100_000)}.${rng.below(10)}${String(rng.uint32() * 1048576 + rng.below(1048576)).slice(rng.below(14))}`;
    case 5:
      // Halfway between two neighbours above 2^53, and one to either side, in up to 35 digits.
      return (
        sign +
        String(
          (2n ** 53n + BigInt(rng.uint32()) * 2n + 1n) * 2n ** BigInt(rng.below(60)) +
            BigInt(rng.below(3)) -
            1n,
        )
      );
    default:
      return `${sign}${1 + rng.below(999)}${'0'.repeat(rng.below(30))}e${rng.below(700) - 350}`;
  }
}

test('every literal is the double, the whole number and the text that JSON.parse makes of it', () => {
  const rng = new Rng(seed);
  for (let round = 0; round < roundsOr(20); round++) {
    const literals = Array.from({ length: 4000 }, () => spell(rng));
    const length = fill(kernel, literals.map(literal => `{"v":${literal}}\n`).join(''));
    const [number, whole, code] = decoder.decode(0, length).columns;
    literals.forEach((literal, row) => {
      const wanted = JSON.parse(literal) as number;
      const digits = literal.replace(/[eE].*/, '').replace(/^[-0.]+|[-.]/g, '').length;
      if (number!.state[row] === cell.value) {
        if (!Object.is(number!.values[row], wanted)) expect.fail(`${literal} became ${number!.values[row]}`);
      } else if (digits <= 19) expect.fail(`${literal} was left to JSON.parse`);
      const match = /^(-?\d+)(?:\.0+)?$/.exec(literal);
      const integer =
        match && BigInt.asIntN(64, BigInt(match[1]!)) === BigInt(match[1]!) ? BigInt(match[1]!) : undefined;
      if ((whole!.state[row] === cell.value ? whole!.values[row] : undefined) !== integer) {
        expect.fail(`${literal} became ${whole!.values[row]}`);
      }
      const text = canonicalNumber(literal);
      if (text !== undefined) expect(text).toBe(JSON.stringify(wanted));
      const seen =
        code!.state[row] === cell.value ? decoder.dictionaryValue(2, code!.values[row] as number) : undefined;
      expect(seen).toBe(text === undefined ? undefined : Number(text));
    });
    decoder.resetDictionary(2);
  }
});
