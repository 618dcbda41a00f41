// npm run bench [-- NAMES… --tiny --json --seed N]: runs benchmarks and prints a table each, or everything as JSON.
import { availableParallelism, cpus, loadavg } from 'node:os';
import { benchmarks } from './benchmarks.ts';
import { serveLoad } from './end-to-end-generator.ts';
import { ratios, tableOf } from './harness.ts';

const args = process.argv.slice(2);
// The load generator of end-to-end is this program again.
if (args[0] === '--load-generator') {
  serveLoad();
  await new Promise(() => {});
}
const flag = (name: string): boolean => args.includes(`--${name}`);
const seedAt = args.indexOf('--seed');
const seed = seedAt < 0 ? 1 : Number(args[seedAt + 1]);
const names = args.filter(
  (argument, index) => !argument.startsWith('--') && (seedAt < 0 || index !== seedAt + 1),
);
const unknown = names.filter(name => !benchmarks.some(benchmark => benchmark.name === name));
if (unknown.length > 0 || !Number.isSafeInteger(seed)) {
  console.error(
    `There is no benchmark ${unknown.join(', ')}. There are: ${benchmarks.map(one => one.name).join(', ')}.`,
  );
  process.exit(2);
}

const results: unknown[] = [];
if (!flag('json')) {
  console.log(
    `${cpus()[0]?.model}, ${availableParallelism()} cores, Node ${process.versions.node}, load ${loadavg()[0]!.toFixed(2)}\n`,
  );
}
for (const benchmark of benchmarks.filter(one => names.length === 0 || names.includes(one.name))) {
  const cases = await benchmark.run({ tiny: flag('tiny'), seed });
  if (flag('json')) {
    const compared = ratios(cases).map(({ ours, peer, ratio }) => ({
      ours: ours.name,
      peer: peer.name,
      ratio,
    }));
    results.push({ name: benchmark.name, cases, ratios: compared });
  } else console.log(`${tableOf(benchmark, cases)}\n`);
}
if (flag('json'))
  console.log(JSON.stringify({ node: process.versions.node, load: loadavg()[0], results }, null, 2));
