// Whatever the bytes are, a reader answers a sketch that works or throws `corrupt-sketch`: nothing else, and not after allocating
// what the bytes do not hold.
import { describe, expect, it } from 'vitest';
import { MillraceError } from '../../core/errors.ts';
import { Rng } from '../../core/rng.ts';
import * as sketches from './index.ts';
import { exchangeBytes, exchangeFiles } from './testing/exchange-files.ts';

const { jsonCodec, stringCodec } = sketches;

interface Form {
  read(bytes: Uint8Array): { serialize(): Uint8Array };
  /** Uses everything that a reader's answer offers; must not throw. */
  use(sketch: never): void;
  examples: Uint8Array[];
}

const numbers = (n: number): number[] => Array.from({ length: n }, (_, i) => (i * 7919) % 1009);
const fill = <Sketch>(sketch: Sketch, n: number, add: (sketch: Sketch, value: number) => void): Sketch => {
  for (const value of numbers(n)) add(sketch, value);
  return sketch;
};
const files = (pattern: RegExp): Uint8Array[] => exchangeFiles(pattern).map(exchangeBytes);

/** By the class that reads, or that and a word. */
const forms: Record<string, Form> = {
  HyperLogLog: {
    read: sketches.HyperLogLog.deserialize,
    use: (sketch: sketches.HyperLogLog) => {
      sketch.bounds(2);
      sketch.update('x');
      sketch.merge(new sketches.HyperLogLog(8));
    },
    examples: [
      ...(['HLL_4', 'HLL_6', 'HLL_8'] as const).flatMap(kind =>
        [0, 3, 20, 900].map(n =>
          fill(new sketches.HyperLogLog(8, kind), n, (s, v) => s.update(v)).serialize(),
        ),
      ),
      ...files(/^hll/),
    ],
  },
  ThetaSketch: {
    read: bytes => sketches.ThetaSketch.deserialize(bytes, 5),
    use: (sketch: sketches.ThetaSketch) => {
      sketch.bounds(2);
      sketch.update('x');
      sketch.merge(new sketches.ThetaSketch(8));
    },
    examples: [0, 1, 5, 500].map(n =>
      fill(new sketches.ThetaSketch(5), n, (s, v) => s.update(v)).serialize(),
    ),
  },
  CompactTheta: {
    read: sketches.CompactTheta.deserialize,
    use: (sketch: sketches.CompactTheta) => {
      sketch.bounds(2);
      sketches.thetaUnion([sketch], 5);
      sketches.thetaDifference(sketch, sketches.thetaIntersection(sketch, sketch));
    },
    examples: [
      ...[0, 1, 5, 500].flatMap(n => {
        const sketch = fill(new sketches.ThetaSketch(5), n, (s, v) => s.update(v)).compact();
        return [sketch.serialize(), sketch.serialize(true)];
      }),
      ...files(/^theta.*n1?0?0?0_/),
    ],
  },
  KllDoubles: {
    read: bytes => sketches.KllDoubles.deserialize(bytes),
    use: (sketch: sketches.KllDoubles) => {
      sketch.quantile([0, 0.5, 1]);
      sketch.rank(3);
      for (let i = 0; i < 500; i++) sketch.update(i);
      sketch.merge(sketch);
    },
    examples: [
      ...[0, 1, 9, 5000].map(n => fill(new sketches.KllDoubles(8), n, (s, v) => s.update(v)).serialize()),
      ...files(/^kll_double/),
    ],
  },
  KllFloats: {
    read: bytes => sketches.KllFloats.deserialize(bytes),
    use: (sketch: sketches.KllFloats) => {
      sketch.quantile([0, 0.5, 1]);
      for (let i = 0; i < 500; i++) sketch.update(i);
    },
    examples: [
      ...[0, 1, 9, 5000].map(n => fill(new sketches.KllFloats(8), n, (s, v) => s.update(v)).serialize()),
      ...files(/^kll_float/),
    ],
  },
  KllLongs: {
    read: bytes => sketches.KllLongs.deserialize(bytes),
    use: (sketch: sketches.KllLongs) => void sketch.quantile(0.5),
    examples: [
      fill(new sketches.KllLongs(8), 300, (s, v) => s.update(BigInt(v))).serialize(),
      ...files(/^kll_long/),
    ],
  },
  KllStrings: {
    read: bytes => sketches.KllStrings.deserialize(bytes),
    use: (sketch: sketches.KllStrings) => void sketch.quantile(0.5),
    examples: [
      fill(new sketches.KllStrings(8), 300, (s, v) => s.update(`ü${v}`)).serialize(),
      ...files(/^kll_string/),
    ],
  },
  TDigest: {
    read: sketches.TDigest.deserialize,
    use: (sketch: sketches.TDigest) => {
      sketch.quantile([0, 0.5, 1]);
      sketch.rank(3);
      sketch.merge(sketch);
    },
    examples: [
      ...[0, 1, 9, 5000].map(n => fill(new sketches.TDigest(10), n, (s, v) => s.update(v)).serialize()),
      ...files(/^tdigest/),
    ],
  },
  DDSketch: {
    read: sketches.DDSketch.deserialize,
    use: (sketch: sketches.DDSketch) => {
      sketch.quantile([0, 0.5, 1]);
      sketch.update(-5);
      sketch.merge(sketch);
    },
    examples: [0, 1, 400].map(n =>
      fill(new sketches.DDSketch(0.05, 32), n, (s, v) => s.update(v - 500)).serialize(),
    ),
  },
  FrequentStrings: {
    read: sketches.FrequentStrings.deserialize,
    use: (sketch: sketches.FrequentStrings) => {
      sketch.top(3);
      for (let i = 0; i < 100; i++) sketch.update(`${i}`);
    },
    examples: [
      ...[0, 4, 900].map(n =>
        fill(new sketches.FrequentStrings(16), n, (s, v) => s.update(`é${v}`)).serialize(),
      ),
      ...files(/^frequent_string/),
    ],
  },
  FrequentLongs: {
    read: sketches.FrequentLongs.deserialize,
    use: (sketch: sketches.FrequentLongs) => void sketch.top(3),
    examples: [
      fill(new sketches.FrequentLongs(16), 900, (s, v) => s.update(BigInt(v))).serialize(),
      ...files(/^frequent_long/),
    ],
  },
  SpaceSaving: {
    read: sketches.SpaceSaving.deserialize,
    use: (sketch: sketches.SpaceSaving) => {
      sketch.top(3);
      sketch.update('x');
    },
    examples: [0, 4, 90].map(n =>
      fill(new sketches.SpaceSaving(16), n, (s, v) => s.update(`é${v}`)).serialize(),
    ),
  },
  CountMin: {
    read: sketches.CountMin.deserialize,
    use: (sketch: sketches.CountMin) => void sketch.bounds('x'),
    examples: [fill(new sketches.CountMin(8, 3), 300, (s, v) => s.update(v)).serialize()],
  },
  DyadicCountMin: {
    read: sketches.DyadicCountMin.deserialize,
    use: (sketch: sketches.DyadicCountMin) => {
      sketch.quantile(0.5);
      sketch.range(0, 5);
    },
    examples: [fill(new sketches.DyadicCountMin(10, 16, 2), 300, (s, v) => s.update(v)).serialize()],
  },
  BloomFilter: {
    read: sketches.BloomFilter.deserialize,
    use: (sketch: sketches.BloomFilter) => void [sketch.has('x'), sketch.bounds(2)],
    examples: [fill(new sketches.BloomFilter(256, 3), 30, (s, v) => s.update(v)).serialize()],
  },
  BlockedBloomFilter: {
    read: sketches.BlockedBloomFilter.deserialize,
    use: (sketch: sketches.BlockedBloomFilter) => void [sketch.has('x'), sketch.falsePositiveRate()],
    examples: [fill(new sketches.BlockedBloomFilter(512, 3), 30, (s, v) => s.update(v)).serialize()],
  },
  CountingBloomFilter: {
    read: sketches.CountingBloomFilter.deserialize,
    use: (sketch: sketches.CountingBloomFilter) => void [sketch.remove('x'), sketch.falsePositiveRate()],
    examples: [fill(new sketches.CountingBloomFilter(128, 3), 30, (s, v) => s.update(v)).serialize()],
  },
  ReservoirDoubles: {
    read: bytes => sketches.ReservoirDoubles.deserialize(bytes),
    use: (sketch: sketches.ReservoirDoubles) => {
      sketch.update(3);
      sketch.merge(sketches.ReservoirDoubles.deserialize(sketch.serialize()));
      sketch.estimateCount(item => item > 1);
    },
    examples: [
      ...[0, 4, 90].map(n => fill(new sketches.ReservoirDoubles(16), n, (s, v) => s.update(v)).serialize()),
      ...files(/^reservoir_.*(double|union)/),
    ],
  },
  ReservoirLongs: {
    read: bytes => sketches.ReservoirLongs.deserialize(bytes),
    use: (sketch: sketches.ReservoirLongs) => void sketch.update(3n),
    examples: [
      fill(new sketches.ReservoirLongs(16), 90, (s, v) => s.update(BigInt(v))).serialize(),
      ...files(/^reservoir_.*long/),
    ],
  },
  ReservoirStrings: {
    read: bytes => sketches.ReservoirStrings.deserialize(bytes),
    use: (sketch: sketches.ReservoirStrings) => void sketch.update('x'),
    examples: [
      fill(new sketches.ReservoirStrings(16), 90, (s, v) => s.update(`ü${v}`)).serialize(),
      ...files(/^reservoir_.*string/),
    ],
  },
  'Reservoir of JSON': {
    read: bytes => sketches.Reservoir.read(bytes, jsonCodec),
    use: (sketch: sketches.Reservoir<unknown>) => void sketch.items,
    examples: [
      fill(new sketches.Reservoir<unknown>(jsonCodec, 5), 30, (s, v) => s.update({ v })).serialize(),
    ],
  },
  WeightedSample: {
    read: bytes => sketches.WeightedSample.deserialize(bytes, stringCodec),
    use: (sketch: sketches.WeightedSample<string>) => void sketch.estimateSum(() => true),
    examples: [
      fill(new sketches.WeightedSample(stringCodec, 5), 30, (s, v) => s.update(`${v}`, v)).serialize(),
    ],
  },
  TimeDecayedSample: {
    read: bytes => sketches.TimeDecayedSample.deserialize(bytes, stringCodec),
    use: (sketch: sketches.TimeDecayedSample<string>) => void sketch.estimateCount(() => true, 5),
    examples: [
      fill(new sketches.TimeDecayedSample(stringCodec, 5, 9), 30, (s, v) => s.update(`${v}`, v)).serialize(),
    ],
  },
  DistinctSample: {
    read: sketches.DistinctSample.deserialize,
    use: (sketch: sketches.DistinctSample) => {
      sketch.update('x');
      sketch.bounds(() => true, 2);
    },
    examples: [0, 4, 90].map(n =>
      fill(new sketches.DistinctSample(8), n, (s, v) => s.update(`${v}`)).serialize(),
    ),
  },
};

it('every sketch that serialises is tried here, and merges', () => {
  // Bases of the classes for one kind of item; their `deserialize` is that of the class.
  const bases = ['FrequentItems', 'KllSketch', 'Reservoir'];
  for (const [name, exported] of Object.entries(sketches)) {
    const { prototype } = exported as { prototype?: { serialize?: unknown; merge?: unknown } };
    if (!prototype?.serialize || bases.includes(name)) continue;
    expect(Object.keys(forms), name).toContain(name);
    expect(exported, name).toHaveProperty('deserialize');
    // What set operations make does not change.
    if (name !== 'CompactTheta') expect(prototype, name).toHaveProperty('merge');
  }
});

function survives(form: Form, bytes: Uint8Array): 'read' | 'refused' {
  let sketch: { serialize(): Uint8Array };
  try {
    sketch = form.read(bytes);
  } catch (thrown) {
    if (thrown instanceof MillraceError && thrown.code === 'corrupt-sketch') return 'refused';
    throw new Error(`a reader threw something else on ${Buffer.from(bytes).toString('hex').slice(0, 400)}`, {
      cause: thrown,
    });
  }
  sketch.serialize();
  form.use(sketch as never);
  return 'read';
}

describe.each(Object.entries(forms))('reading %s', (name, form) => {
  it('takes its examples', () => {
    for (const bytes of form.examples) expect(survives(form, bytes)).toBe('read');
  });

  it('refuses every example that is cut short', () => {
    for (const bytes of form.examples) {
      const step = Math.max(1, Math.floor(bytes.length / 60));
      for (let length = 0; length < bytes.length; length += step) {
        expect(survives(form, bytes.subarray(0, length)), `${name} cut at ${length}`).toBe('refused');
      }
    }
  });

  it('survives flipped bits, wild numbers and noise (seed 101)', () => {
    const rng = new Rng(101);
    const seen = { read: 0, refused: 0 };
    for (const bytes of form.examples) {
      const rounds = bytes.length > 1000 ? 40 : 300;
      for (let round = 0; round < rounds; round++) {
        const damaged = bytes.slice();
        // The header is where damage is worst.
        const reach = round % 2 === 0 ? Math.min(48, damaged.length) : damaged.length;
        for (let i = 0; i <= round % 4; i++) {
          const at = rng.below(reach);
          damaged[at] =
            round % 3 === 0 ? 255 : round % 3 === 1 ? rng.uint32() : damaged[at]! ^ (1 << rng.below(8));
        }
        seen[survives(form, damaged)]++;
      }
    }
    for (let round = 0; round < 300; round++) {
      const noise = Uint8Array.from({ length: rng.below(120) }, () => rng.uint32());
      const example = form.examples[round % form.examples.length]!;
      noise.set(example.subarray(0, Math.min(3, noise.length)));
      seen[survives(form, noise)]++;
    }
    // Both happen, or the damage tries nothing.
    expect(Math.min(seen.read, seen.refused)).toBeGreaterThan(0);
  });
});
