// The bench harness: named benchmarks, each with its peers in the same run, a table with ratios, and the same as JSON. A bench measures
// and never judges; the tiny form of each runs in the tests so that it does not rot.

export interface Case {
  /** "millrace", or the name and version of a peer. */
  name: string;
  /** True for what we are compared with. */
  peer: boolean;
  /** "events/s", "MB/s", "ns/update", "ms" … */
  unit: string;
  value: number;
  /** What is measured, where a benchmark measures several things in one unit: only equal questions are compared. */
  question?: string;
  /** What the figure leaves out, or how it was measured. */
  note?: string;
}

export interface RunOptions {
  /** Small enough for a test: the figures mean nothing then. */
  tiny: boolean;
  seed: number;
}

export interface Benchmark {
  name: string;
  title: string;
  /** Returns one case for us and one for each peer that is there; a peer that is absent is said in a note. */
  run(options: RunOptions): Promise<Case[]>;
}

/** True where less is better. */
function lessIsBetter(unit: string): boolean {
  return /^(ns|µs|ms|s|MB|bytes)(\/|$)/.test(unit) && !unit.endsWith('/s');
}

/** Rows of a table: each of our cases against each peer of the same unit. */
export function ratios(cases: readonly Case[]): { ours: Case; peer: Case; ratio: number }[] {
  const rows: { ours: Case; peer: Case; ratio: number }[] = [];
  for (const ours of cases.filter(item => !item.peer)) {
    for (const peer of cases.filter(
      item => item.peer && item.unit === ours.unit && item.question === ours.question,
    )) {
      const ratio = lessIsBetter(ours.unit) ? peer.value / ours.value : ours.value / peer.value;
      rows.push({ ours, peer, ratio });
    }
  }
  return rows;
}

/** Three significant digits with thousands separated. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(3);
}

export function tableOf(benchmark: Benchmark, cases: readonly Case[]): string {
  const lines = [
    `## ${benchmark.name} — ${benchmark.title}`,
    '',
    '| case | figure | unit | note |',
    '|---|---:|---|---|',
  ];
  for (const item of cases) {
    lines.push(
      `| ${item.peer ? item.name : `**${item.name}**`} | ${figure(item.value)} | ${item.unit} | ${item.note ?? ''} |`,
    );
  }
  const compared = ratios(cases);
  if (compared.length > 0) {
    lines.push('', '| ours | against | ratio (above 1 is better) |', '|---|---|---:|');
    for (const { ours, peer, ratio } of compared)
      lines.push(`| ${ours.name} | ${peer.name} | ${ratio.toFixed(2)} |`);
  }
  return lines.join('\n');
}

/** The median of an odd or even number of figures. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
