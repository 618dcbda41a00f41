// Time of an update and size of the state of every detector, on a daily rhythm with noise.
import { Rng } from '../../core/rng.ts';
import { detectors, stepUs, streams } from './false-alarm.fixture.ts';

interface Case {
  name: string;
  peer: boolean;
  unit: string;
  value: number;
}

async function run({ tiny, seed }: { tiny: boolean; seed: number }): Promise<Case[]> {
  const length = tiny ? 500 : 20_000;
  return Object.entries(detectors).flatMap(([name, make]) => {
    const next = streams['daily rhythm and noise']!(new Rng(seed));
    const values = Float64Array.from({ length: 2 * length }, (_, t) => next(t));
    const detector = make();
    for (let t = 0; t < length; t++) detector.update(values[t]!, t * stepUs);
    const started = performance.now();
    for (let t = length; t < 2 * length; t++) detector.update(values[t]!, t * stepUs);
    const elapsedUs = (performance.now() - started) * 1000;
    return [
      { name: `${name} update`, peer: false, unit: 'µs', value: elapsedUs / length },
      { name: `${name} state`, peer: false, unit: 'bytes', value: detector.serialize().length },
    ];
  });
}

export const benchmark = { name: 'detectors', title: 'Detectors: time of an update, size of the state', run };
