// The models on real machine metrics: the 58 series of the Numenta Anomaly Benchmark, which nobody chose for
// forecasting. Prints sMAPE, MASE and OWA of each and of the automatic choice.
import { expect, test } from 'vitest';
import { MillraceError } from '../../core/errors.ts';
import { nabMissing, readNabCorpus } from '../anomaly/nab-corpus.fixture.ts';
import { accuracy, coverage, type ForecastCase, naive2, naiveScale } from './accuracy.ts';
import { chooseForecaster, fitForecaster, forecasterNames } from './choose-forecaster.ts';

const horizon = 24;
const historyLength = 1500;

interface Task {
  history: Float64Array;
  actual: Float64Array;
  period: number;
}

/** Three origins a series; the season is a day where the history holds three of them. */
function tasks(): Task[] {
  return readNabCorpus().flatMap(({ values, timesUs }) => {
    const steps = Array.from(timesUs.slice(1), (time, i) => time - timesUs[i]!).sort((a, b) => a - b);
    const day = Math.round(86_400_000_000 / steps[steps.length >> 1]!);
    return [0.4, 0.6, 0.8].flatMap(share => {
      const origin = Math.floor(share * values.length);
      const history = values.slice(Math.max(0, origin - historyLength), origin);
      const period = history.length >= 3 * day ? day : 1;
      // A history that never changes has no scale to compare with.
      if (naiveScale(history, period) === 0) return [];
      return [{ history, actual: values.slice(origin, origin + horizon), period }];
    });
  });
}

test.skipIf(nabMissing)(
  `models and choice on machine metrics ${nabMissing ? `(skipped: ${nabMissing})` : ''}`,
  () => {
    const all = tasks();
    const evaluate = (
      forecast: (task: Task) => { mean: Float64Array; low?: Float64Array; high?: Float64Array },
    ) => {
      let inside = 0;
      let withInterval = 0;
      const cases = all.map((task): ForecastCase => {
        const { mean, low, high } = forecast(task);
        if (low && high) {
          inside += coverage(task.actual, low, high);
          withInterval++;
        }
        return { ...task, forecast: mean };
      });
      return { ...accuracy(cases), 'inside 95 %': (100 * inside) / withInterval, fitted: withInterval };
    };
    const rows: Record<string, ReturnType<typeof evaluate>> = {};
    for (const name of forecasterNames) {
      rows[name] = evaluate(task => {
        try {
          return fitForecaster(name, task.history, task.period).forecast(horizon);
        } catch (thrown) {
          if (!(thrown instanceof MillraceError)) throw thrown;
          return { mean: naive2(task.history, horizon, task.period) };
        }
      });
    }
    const chosen = new Map<string, number>();
    rows['chosen by rolling origin'] = evaluate(({ history, period }) => {
      const choice = chooseForecaster(history, { period, horizon });
      chosen.set(choice.name, (chosen.get(choice.name) ?? 0) + 1);
      return choice.forecaster.forecast(horizon);
    });
    console.log(`${all.length} forecasts of ${horizon} values`);
    console.table(rows);
    console.log('chosen:', Object.fromEntries([...chosen].sort((a, b) => b[1] - a[1])));
    expect(rows['chosen by rolling origin']!.owa).toBeLessThan(1);
  },
);
