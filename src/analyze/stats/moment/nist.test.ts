// NIST Statistical Reference Datasets: certified values against ours, by correct significant digits. With
// MILLRACE_FIGURES=1 the table of docs/statistics.md is printed.
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { oneWayAnova } from '../hypothesis/anova.ts';
import { Covariance } from './covariance.ts';
import { Moments } from './moments.ts';
import { linearRegression, polynomialRegression, type Regression } from './regression.ts';
import { StreamingRegression } from './streaming-regression.ts';

const folder = new URL('../../../../../shared/data/nist/data/NIST/', import.meta.url);
const present = existsSync(folder);
const title = present ? 'NIST StRD' : 'NIST StRD (skipped: ../shared/data/nist is absent)';

/** Correct significant digits, at most 15: NIST's "log relative error". */
function digits(value: number, certified: number): number {
  const error = certified === 0 ? Math.abs(value) : Math.abs(value - certified) / Math.abs(certified);
  return Math.min(15, -Math.log10(error));
}

function read(name: string): { text: string; lines: number[][] } {
  const text = readFileSync(new URL(`${name}.dat`, folder), 'utf8');
  const range = text.match(/Data\s+\(lines\s+(\d+)\s+to\s+(\d+)\)/);
  const rows = text.split('\n');
  // The univariate files end with one value a line below a rule instead of naming their lines.
  const first = range ? Number(range[1]) - 1 : rows.findLastIndex(row => row.startsWith('-----')) + 1;
  const data = rows.slice(first, range ? Number(range[2]) : rows.length).filter(row => row.trim() !== '');
  return { text, lines: data.map(row => row.trim().split(/\s+/).map(Number)) };
}

const certified = (text: string, pattern: RegExp): number => Number(text.match(pattern)![1]);

describe.skipIf(!present)(title, () => {
  const figures: string[] = [];
  const note = (name: string, what: string, seen: number): void => {
    figures.push(`| ${name} | ${what} | ${seen.toFixed(1)} |`);
  };
  afterAll(() => {
    if (process.env['MILLRACE_FIGURES']) process.stdout.write(`${figures.join('\n')}\n`);
  });

  // NumAcc4's spread lies nine decimal digits below its mean: doubles themselves keep 8.3 digits of it.
  const univariate = ['Lottery', 'Lew', 'Mavro', 'Michelso', 'NumAcc1', 'NumAcc2', 'NumAcc3', 'NumAcc4'];
  for (const name of univariate) {
    it(`gives the mean and deviation of ${name} to 8 digits, in any order and merged`, () => {
      const { text, lines } = read(name);
      const values = lines.map(([value]) => value!);
      const mean = certified(text, /Sample Mean[^:]*:\s+([-\d.E+]+)/);
      const deviation = certified(
        text,
        /Sample Standard Deviation \(denom\. = n-1\)(?:\s+s)?:\s+([-\d.E+]+)/,
      );
      const merged = new Moments();
      for (let at = 0; at < values.length; at += 37) merged.merge(Moments.of(values.slice(at, at + 37)));
      for (const moments of [Moments.of(values), Moments.of(values.toReversed()), merged]) {
        note(name, 'deviation', digits(moments.standardDeviation, deviation));
        expect(digits(moments.mean, mean)).toBeGreaterThan(14);
        expect(digits(moments.standardDeviation, deviation)).toBeGreaterThan(8.2);
      }
    });
  }

  function smallest(fit: Regression, text: string): { estimate: number; error: number; fit: number } {
    const rows = [...text.matchAll(/^\s+B\d+\s+([-\d.E+]+)\s+([-\d.E+]+)\s*$/gm)];
    expect(rows.length).toBe(fit.coefficients.length);
    const estimates = rows.map(([, value], j) => digits(fit.coefficients[j]!.estimate, Number(value)));
    const errors = rows.map(([, , value], j) => digits(fit.coefficients[j]!.standardError, Number(value)));
    const whole = [
      digits(fit.residualDeviation, certified(text, /Standard Deviation\s+([-\d.E+]+)/)),
      digits(fit.rSquared, certified(text, /R-Squared\s+([-\d.E+]+)/)),
    ];
    return { estimate: Math.min(...estimates), error: Math.min(...errors), fit: Math.min(...whole) };
  }

  const fits: Record<string, (lines: number[][]) => Regression> = {
    Norris: lines =>
      linearRegression(
        lines.map(([, ...x]) => x),
        lines.map(([y]) => y!),
      ),
    Pontius: lines =>
      polynomialRegression(
        lines.map(([, x]) => x!),
        lines.map(([y]) => y!),
        2,
      ),
    NoInt1: lines =>
      linearRegression(
        lines.map(([, ...x]) => x),
        lines.map(([y]) => y!),
        { intercept: false },
      ),
    NoInt2: lines =>
      linearRegression(
        lines.map(([, ...x]) => x),
        lines.map(([y]) => y!),
        { intercept: false },
      ),
    Longley: lines =>
      linearRegression(
        lines.map(([, ...x]) => x),
        lines.map(([y]) => y!),
      ),
  };
  for (const k of [1, 2, 3, 4, 5]) {
    fits[`Wampler${k}`] = lines =>
      polynomialRegression(
        lines.map(([, x]) => x!),
        lines.map(([y]) => y!),
        5,
      );
  }
  for (const [name, regress] of Object.entries(fits)) {
    it(`gives coefficients, their errors and the fit of ${name} to 9 digits`, () => {
      const { text, lines } = read(name);
      const seen = smallest(regress(lines), text);
      note(name, 'coefficients', seen.estimate);
      note(name, 'errors', seen.error);
      note(name, 'fit', seen.fit);
      expect(Math.min(seen.estimate, seen.error, seen.fit), JSON.stringify(seen)).toBeGreaterThanOrEqual(9);
    });
  }

  it('gives Filip, the degree-10 polynomial, to 7 digits at least (reported apart)', () => {
    const { text, lines } = read('Filip');
    const seen = smallest(
      polynomialRegression(
        lines.map(([, x]) => x!),
        lines.map(([y]) => y!),
        10,
      ),
      text,
    );
    note('Filip', 'coefficients', seen.estimate);
    note('Filip', 'errors', seen.error);
    note('Filip', 'fit', seen.fit);
    expect(seen.estimate).toBeGreaterThanOrEqual(9);
    expect(seen.error).toBeGreaterThanOrEqual(7);
  });

  it('gives Longley from a merged stream to 9 digits, and Norris from its covariance', () => {
    const longley = read('Longley');
    const whole = new StreamingRegression(6);
    for (const part of [longley.lines.slice(0, 5), longley.lines.slice(5)]) {
      const stream = new StreamingRegression(6);
      for (const [y, ...x] of part) stream.update(x, y!);
      whole.merge(stream);
    }
    const rows = [...longley.text.matchAll(/^\s+B\d+\s+([-\d.E+]+)\s+([-\d.E+]+)\s*$/gm)];
    whole.coefficients().forEach((coefficient, j) => {
      expect(digits(coefficient.estimate, Number(rows[j]![1]))).toBeGreaterThan(8.5);
      expect(digits(coefficient.standardError, Number(rows[j]![2]))).toBeGreaterThan(8.5);
    });
    const norris = read('Norris');
    const line = Covariance.of(norris.lines.map(([y, x]) => [x!, y!] as const));
    expect(digits(line.slope, 1.00211681802045)).toBeGreaterThan(12);
    expect(digits(line.intercept, -0.262323073774029)).toBeGreaterThan(10);
  });

  // 7, 8 and 9 have 13 constant leading digits: what is left of the data after rounding to doubles is all
  // that any double-precision analysis can see.
  const anova: Record<string, number> = {
    SiRstvt: 9,
    SmLs01t: 13,
    SmLs02t: 13,
    SmLs03t: 12,
    AtmWtAgt: 8,
    SmLs04t: 9,
    SmLs05t: 9,
    SmLs06t: 9,
    SmLs07t: 2,
    SmLs08t: 2,
    SmLs09t: 2,
  };
  for (const [name, least] of Object.entries(anova)) {
    it(`gives the F statistic of ${name} to ${least} digits`, () => {
      const { text, lines } = read(name);
      const groups = new Map<number, number[]>();
      for (const line of lines) {
        line.forEach((value, at) => {
          groups.set(at, (groups.get(at) ?? []).concat(value));
        });
      }
      const f = certified(text, /Between \w+\s+\d+\s+[-\d.E+]+\s+[-\d.E+]+\s+([-\d.E+]+)/);
      const seen = digits(oneWayAnova([...groups.values()]).statistic, f);
      note(name, 'F', seen);
      expect(seen).toBeGreaterThanOrEqual(least);
    });
  }
});
