// The picture of docs/detection.md, drawn from the detectors' own scores and compared with the one that is
// kept. `npx vitest run src/analyze/anomaly/pictures.test.ts -u` draws it anew.
import { expect, test } from 'vitest';
import { Rng } from '../../core/rng.ts';
import { CombinedDetector } from './combined-detector.ts';
import { Cusum } from './cusum.ts';
import type { Detector } from './detector.ts';
import { RobustZ } from './robust-z.ts';
import { SeasonalBaseline } from './seasonal-baseline.ts';
import { colours, type Panel, svgChart } from './svg-chart.fixture.ts';

const stepUs = 900_000_000;
const day = 96;
const length = 20 * day;
const spans = [
  [12 * day + 66, 12 * day + 67],
  [14 * day + 33, 14 * day + 57],
  [17 * day + 14, 17 * day + 78],
] as const;

/**
 * Requests by quarter hour with a daily rhythm; a spike, six hours stuck at the morning's level, sixteen
 * hours 15 % up.
 */
function requests(): Float64Array {
  const rng = new Rng(2026);
  const usual = (t: number): number => 600 - 400 * Math.cos((2 * Math.PI * t) / day);
  return Float64Array.from({ length }, (_, t) => {
    const noise = 18 * rng.gaussian();
    if (t >= spans[0][0] && t <= spans[0][1]) return 1500 + noise;
    if (t >= spans[1][0] && t <= spans[1][1]) return usual(spans[1][0]) + noise;
    if (t >= spans[2][0] && t <= spans[2][1]) return 1.15 * usual(t) + noise;
    return usual(t) + noise;
  });
}

test('the picture of four detectors on one week of incidents is the kept one', async () => {
  const values = requests();
  const panel = (title: string, detector: Detector): Panel => ({
    title,
    // False-alarm rate on a logarithmic scale: 3 is one in a thousand.
    lines: [
      {
        values: values.map((v, t) => -Math.log10(Math.max(1e-6, 1 - detector.update(v, t * stepUs)))),
        colour: colours.blue,
      },
    ],
    spans,
    level: -Math.log10(0.005),
    low: 0,
    high: 6,
    height: 60,
  });
  const quarters = { slots: day, slotUs: stepUs };
  const svg = svgChart('Scores of four detectors on a daily rhythm with three incidents', length, [
    {
      title: 'requests in a quarter of an hour; shaded: incidents',
      lines: [{ values, colour: colours.ink }],
      spans,
      height: 150,
    },
    panel('RobustZ: −log₁₀(1 − score); dashed: a false-alarm rate of 0.005', new RobustZ()),
    panel('Cusum', new Cusum()),
    panel('SeasonalBaseline, a day of quarter hours', new SeasonalBaseline(quarters)),
    panel('CombinedDetector', new CombinedDetector()),
  ]);
  await expect(svg).toMatchFileSnapshot('../../../docs/pictures/detection.svg');
});
