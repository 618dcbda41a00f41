// What an update costs, in nanoseconds, beside the peers on npm in the same run. "hashed" input is what the engine has: hashes and numbers that
// a kernel made; "strings" include hashing. Peers get fewer items where they are slow; the unit is the same.

import * as sketches from '../src/analyze/sketch/index.ts';
import { Rng } from '../src/core/rng.ts';
import type { Case } from './harness.ts';

interface PeerNumbers {
  push?(value: number): void;
  accept?(value: number): void;
}

interface PeerItems {
  update?(item: string): void;
  add?(item: string): void;
}

/** The packages are measured, not depended upon: they load where they are installed. */
async function load<Module>(name: string): Promise<Module> {
  const loaded = (await import(name)) as { default?: Module } & Module;
  return loaded.default ?? loaded;
}

async function peers() {
  const datadog = await load<{ DDSketch: new (options: object) => PeerNumbers }>('@datadog/sketches-js');
  const tdigest = await load<{ TDigest: new () => PeerNumbers }>('tdigest');
  const filters = await load<{
    HyperLogLog: new (registers: number) => PeerItems;
    CountMinSketch: new (columns: number, rows: number) => PeerItems;
    BloomFilter: { create(items: number, rate: number): PeerItems };
    TopK: new (k: number, error: number, accuracy: number) => PeerItems;
  }>('bloom-filters');
  return { datadog, tdigest, filters };
}

/** Sketches that answer the same question are compared. */
function questionOf(name: string): string {
  if (/HyperLogLog|Theta/.test(name)) return 'distinct';
  if (/CountMin/.test(name)) return 'counts';
  if (/DDSketch|TDigest|Kll/.test(name)) return 'quantiles';
  if (/Bloom/.test(name)) return 'membership';
  return /Frequent|SpaceSaving|TopK/.test(name) ? 'frequent' : name;
}

/** What an update may cost on a quiet machine, in nanoseconds. */
const bars: Record<string, number> = {
  'HyperLogLog lgK 12, hashed': 15,
  'KllDoubles K 200': 60,
  'CountMin 2048 × 4, hashed': 30,
};

export const benchmark = {
  name: 'sketch',
  title: 'Sketches: nanoseconds an update',
  async run({ tiny, seed }: { tiny: boolean; seed: number }): Promise<Case[]> {
    const { datadog, tdigest, filters } = await peers();
    const rng = new Rng(seed);
    const many = tiny ? 2000 : 2_000_000;
    const few = tiny ? 200 : 20_000;
    const values = Float64Array.from({ length: many }, () => rng.exponential());
    const hashes = Uint32Array.from({ length: many * 4 }, () => rng.uint32());
    const strings = Array.from({ length: many }, () => `user-${rng.below(tiny ? 500 : 200_000)}`);
    const fewStrings = strings.slice(0, few);
    const fewValues = values.subarray(0, few);
    const cases: Case[] = [];
    const measure = (name: string, peer: boolean, updates: number, run: () => unknown): void => {
      // The best of several rounds: the first ones compile.
      let best = Number.POSITIVE_INFINITY;
      for (let round = 0; round < (tiny ? 1 : 5); round++) {
        const start = process.hrtime.bigint();
        run();
        best = Math.min(best, Number(process.hrtime.bigint() - start));
      }
      const note = bars[name] === undefined ? undefined : `at most ${bars[name]} wanted`;
      cases.push({ name, peer, unit: 'ns/update', value: best / updates, question: questionOf(name), note });
    };
    const columns = (name: string, make: () => { updateColumn(hashes: Uint32Array): void }): void =>
      measure(name, false, many, () => make().updateColumn(hashes));
    const numbers = (name: string, make: () => { updateColumn(values: Float64Array): void }): void =>
      measure(name, false, many, () => make().updateColumn(values));
    const texts = (name: string, make: () => { update(item: string): void }): void =>
      measure(name, false, many, () => {
        const sketch = make();
        for (const text of strings) sketch.update(text);
      });
    const peerTexts = (name: string, make: () => PeerItems): void =>
      measure(name, true, few, () => {
        const sketch = make();
        for (const text of fewStrings) {
          if (sketch.update) sketch.update(text);
          else sketch.add!(text);
        }
      });
    const peerNumbers = (name: string, make: () => PeerNumbers): void =>
      measure(name, true, few, () => {
        const sketch = make();
        for (const value of fewValues) {
          if (sketch.accept) sketch.accept(value);
          else sketch.push!(value);
        }
      });

    columns('HyperLogLog lgK 12, hashed', () => new sketches.HyperLogLog(12));
    texts('HyperLogLog lgK 12, strings', () => new sketches.HyperLogLog(12));
    peerTexts('bloom-filters HyperLogLog(4096), strings', () => new filters.HyperLogLog(4096));
    columns('ThetaSketch lgK 12, hashed', () => new sketches.ThetaSketch(12));

    numbers('KllDoubles K 200', () => new sketches.KllDoubles(200));
    numbers('TDigest k 200', () => new sketches.TDigest(200));
    numbers('DDSketch 1 %', () => new sketches.DDSketch(0.01));
    peerNumbers('@datadog/sketches-js DDSketch 1 %', () => new datadog.DDSketch({ relativeAccuracy: 0.01 }));
    peerNumbers('tdigest TDigest', () => new tdigest.TDigest());

    columns('CountMin 2048 × 4, hashed', () => new sketches.CountMin(2048, 4));
    texts('CountMin 2048 × 4, strings', () => new sketches.CountMin(2048, 4));
    peerTexts('bloom-filters CountMinSketch 2048 × 4, strings', () => new filters.CountMinSketch(2048, 4));
    texts('FrequentStrings 1024', () => new sketches.FrequentStrings(1024));
    texts('SpaceSaving 768', () => new sketches.SpaceSaving(768));
    peerTexts('bloom-filters TopK 10, strings', () => new filters.TopK(10, 0.001, 0.99));

    columns('BloomFilter 1 %, hashed', () => sketches.BloomFilter.forItems(many, 0.01));
    columns('BlockedBloomFilter 1 %, hashed', () => sketches.BlockedBloomFilter.forItems(many, 0.01));
    texts('BloomFilter 1 %, strings', () => sketches.BloomFilter.forItems(many, 0.01));
    peerTexts('bloom-filters BloomFilter 1 %, strings', () => filters.BloomFilter.create(many, 0.01));

    numbers('ReservoirDoubles 128', () => new sketches.ReservoirDoubles(128));
    return cases;
  },
};
