// Builds dist/: the kernels (.wasm), the program, the library entries, the console. `--if-stale` does nothing
// when nothing in src/ or here is newer than the last build.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(fileURLToPath(import.meta.url));
process.chdir(root);
const stamp = 'dist/.built';
const { version } = JSON.parse(readFileSync('package.json', 'utf8'));

function newestMs(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map(name => newestMs(join(path, name))));
}

const inputs = ['src', 'bench', 'build.mjs', 'package.json'].filter(path => existsSync(path));
const fresh = existsSync(stamp) && statSync(stamp).mtimeMs > Math.max(...inputs.map(newestMs));
if (fresh && process.argv.includes('--if-stale')) process.exit(0);

rmSync('dist', { recursive: true, force: true });
mkdirSync('dist', { recursive: true });

/** Node-side bundles: one file an entry; native packages stay outside. */
const packages = Object.keys(JSON.parse(readFileSync('package.json', 'utf8')).dependencies ?? {});
const nodeEntries = {
  index: 'src/index.ts',
  analyze: 'src/analyze/index.ts',
  client: 'src/client/index.ts',
  cli: 'src/cli/main.ts',
  'app-engine': 'src/app-engine.ts',
  'app-query': 'src/app-query.ts',
  'app-pipelines': 'src/app-pipelines.ts',
  'app-pipeline-code': 'src/app-pipeline-code.ts',
  bench: 'bench/main.ts',
};

async function buildNode() {
  const entryPoints = Object.fromEntries(Object.entries(nodeEntries).filter(([, path]) => existsSync(path)));
  await build({
    entryPoints,
    outdir: 'dist',
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'esm',
    sourcemap: 'linked',
    sourcesContent: false,
    external: [...packages, 'esbuild'],
    define: { __VERSION__: JSON.stringify(version) },
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
}

/** AssemblyScript kernels: src/kernel/assembly/index.ts → dist/kernel.wasm. */
function buildKernel() {
  if (!existsSync('src/kernel/assembly/index.ts')) return;
  const asc = createRequire(import.meta.url).resolve('assemblyscript/bin/asc.js');
  execFileSync(
    process.execPath,
    [
      asc,
      'src/kernel/assembly/index.ts',
      '--config',
      'src/kernel/assembly/asconfig.json',
      '--outFile',
      'dist/kernel.wasm',
    ],
    { stdio: 'inherit' },
  );
}

/** The console: one script, one stylesheet, one page. */
async function buildConsole() {
  if (!existsSync('src/console/main.tsx')) return;
  await build({
    entryPoints: { console: 'src/console/main.tsx' },
    outdir: 'dist/console',
    bundle: true,
    platform: 'browser',
    target: ['chrome109', 'firefox115', 'safari16.4'],
    format: 'esm',
    splitting: true,
    minify: true,
    jsx: 'automatic',
    jsxImportSource: 'preact',
    define: { __VERSION__: JSON.stringify(version) },
    loader: { '.svg': 'text' },
    logLevel: 'warning',
  });
  writeFileSync('dist/console/index.html', readFileSync('src/console/index.html'));
}

buildKernel();
await Promise.all([buildNode(), buildConsole()]);
if (process.argv.includes('--types')) {
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.types.json'], {
    stdio: 'inherit',
  });
}
writeFileSync(stamp, '');
