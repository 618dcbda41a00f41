// The picture of docs/forecasting.md, drawn from the models' own forecasts and compared with the one that is
// kept. `npx vitest run src/analyze/forecast/pictures.test.ts -u` draws it anew.
import { expect, test } from 'vitest';
import { Rng } from '../../core/rng.ts';
import { colours, type Panel, svgChart } from '../anomaly/svg-chart.fixture.ts';
import { fitForecaster } from './choose-forecaster.ts';
import { generated } from './generated-series.fixture.ts';

const known = 120;
const horizon = 48;

test('the picture of five models and what came is the kept one', async () => {
  const seeds: Record<string, number> = {
    simple: 3,
    damped: 4,
    'holt-winters multiplicative': 5,
    'harmonic regression': 6,
    autoregression: 7,
  };
  const panels = Object.entries(seeds).map(([name, seed]): Panel => {
    const values = generated[name]!.series(new Rng(seed), known + horizon);
    const period = name === 'harmonic regression' ? 24 : 12;
    const { mean, low, high } = fitForecaster(name, values.slice(0, known), period).forecast(horizon, 0.95);
    return {
      title: name,
      lines: [
        { values, colour: colours.ink, label: 'what came' },
        { values: mean, from: known, colour: colours.blue, label: 'forecast, 95 %' },
      ],
      band: { low, high, from: known, colour: colours.blue },
    };
  });
  const svg = svgChart(
    'Forecasts of five models with 95 % intervals beside what came',
    known + horizon,
    panels,
  );
  await expect(svg).toMatchFileSnapshot('../../../docs/pictures/forecasting.svg');
});
