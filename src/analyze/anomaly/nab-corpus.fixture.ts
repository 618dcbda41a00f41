// Reads the Numenta Anomaly Benchmark from ../shared/data/nab for tests and benches. Never part of the
// library: the library does no I/O.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseTimeUs } from '../../core/time-text.ts';
import type { LabelledSeries } from './nab-scorer.ts';

/**
 * `../shared/data/nab` of the nearest folder above this file that has one: the bundled benches lie elsewhere.
 */
function findNab(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (dirname(folder) !== folder) {
    folder = dirname(folder);
    const candidate = join(folder, 'shared', 'data', 'nab');
    if (existsSync(candidate)) return candidate;
  }
  return '../shared/data/nab';
}

/** The benchmark's folder, or the one named in MILLRACE_NAB. */
export const nabFolder = process.env['MILLRACE_NAB'] ?? findNab();

export const nabMissing: string | undefined = existsSync(`${nabFolder}/labels/combined_windows.json`)
  ? undefined
  : `no NAB data at ${nabFolder}`;

const json = (path: string): unknown => JSON.parse(readFileSync(`${nabFolder}/${path}`, 'utf8'));

/** All 58 series, in the order of their names. */
export function readNabCorpus(): LabelledSeries[] {
  const labels = json('labels/combined_windows.json') as Record<string, [string, string][]>;
  return Object.keys(labels)
    .sort()
    .map(name => {
      const lines = readFileSync(`${nabFolder}/data/${name}`, 'utf8').trim().split(/\r?\n/).slice(1);
      const timesUs = new Float64Array(lines.length);
      const values = new Float64Array(lines.length);
      lines.forEach((line, i) => {
        const comma = line.indexOf(',');
        timesUs[i] = parseTimeUs(line.slice(0, comma))!;
        values[i] = Number(line.slice(comma + 1));
      });
      const windows = labels[name]!.map(
        ([first, last]) => [parseTimeUs(first)!, parseTimeUs(last)!] as [number, number],
      );
      return { name, timesUs, values, windows };
    });
}

/** Published normalised scores by detector and profile. */
export function readPublished(): Record<string, Record<string, number>> {
  return json('results/final_results.json') as Record<string, Record<string, number>>;
}

/** Published thresholds and raw scores by detector and profile. */
export function readThresholds(): Record<string, Record<string, { score: number; threshold: number }>> {
  return json('config/thresholds.json') as Record<
    string,
    Record<string, { score: number; threshold: number }>
  >;
}

/** Detectors whose scores row by row are stored (`results/<detector>/<folder>/<detector>_<file>.csv`). */
export function storedDetectors(): string[] {
  return readdirSync(`${nabFolder}/results`, { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(entry => entry.name)
    .sort();
}

/** The stored anomaly scores of a published detector, one array a series of the corpus. */
export function readStoredScores(detector: string, corpus: readonly LabelledSeries[]): Float64Array[] {
  return corpus.map(({ name }) => {
    const [folder, file] = name.split('/') as [string, string];
    const path = `${nabFolder}/results/${detector}/${folder}/${detector}_${file}`;
    const [header, ...lines] = readFileSync(path, 'utf8').trim().split(/\r?\n/);
    const column = header!.split(',').indexOf('anomaly_score');
    return Float64Array.from(lines, line => Number(line.split(',')[column]));
  });
}
