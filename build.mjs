// Builds dist/: the kernels (.wasm), the program, the library entries and their types, the console. `--if-stale` does nothing
// when nothing in src/ or here is newer than the last build.
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
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

const inputs = ['src', 'bench', 'build.mjs', 'package.json', 'tsconfig.json', 'tsconfig.types.json'].filter(
  path => existsSync(path),
);
const fresh = existsSync(stamp) && statSync(stamp).mtimeMs > Math.max(...inputs.map(newestMs));
if (fresh && process.argv.includes('--if-stale')) process.exit(0);

rmSync('dist', { recursive: true, force: true });
mkdirSync('dist', { recursive: true });

/** Packages with machine code or WASM of their own: they stay outside, and are required. */
const nativePackages = ['@duckdb/node-api', '@node-rs/crc32', '@swc/wasm-typescript', 'lmdb'];

/**
 * An `import` of a package that stays outside becomes `require`: Node would lex the whole of a CommonJS file to know its names,
 * at every start of a process or thread.
 */
const requireNative = {
  name: 'require-native',
  setup(builder) {
    const filter = new RegExp(`^(${nativePackages.join('|')})$`);
    builder.onResolve({ filter }, ({ path, namespace }) =>
      namespace === 'native' ? { path, external: true } : { path, namespace: 'native' },
    );
    builder.onLoad({ filter, namespace: 'native' }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)});`,
    }));
  },
};

/** Node-side bundles: one file an entry with all that it imports, so that a start does not look for hundreds of files. */
const nodeEntries = {
  index: 'src/index.ts',
  analyze: 'src/analyze/index.ts',
  client: 'src/client/index.ts',
  'app-engine': 'src/app-engine.ts',
  'app-query': 'src/app-query.ts',
  'app-pipelines': 'src/app-pipelines.ts',
  'app-pipeline-code': 'src/app-pipeline-code.ts',
  'app-state-check': 'src/app-state-check.ts',
  bench: 'bench/main.ts',
};

/** By package: where it lies, of all that was bundled. */
const bundled = new Map();

function noteBundled({ inputs }) {
  for (const path of Object.keys(inputs)) {
    const found = /^.*node_modules\/((?:@[^/]+\/)?[^/]+)(?=\/)/.exec(path);
    if (found) bundled.set(found[1], found[0]);
  }
}

/** The licences of what is in the bundles, which ask to be passed on with it. */
function writeLicences() {
  const parts = [...bundled].sort().map(([name, dir]) => {
    const { version, license } = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'));
    const file = readdirSync(dir).find(entry => /^(licen[cs]e|copying)/i.test(entry));
    const text = file
      ? readFileSync(join(dir, file), 'utf8').trim()
      : 'No text of the licence comes with the package.';
    return `${name} ${version} (${license})\n\n${text}\n`;
  });
  writeFileSync('dist/third-party-licences.txt', parts.join(`\n${'-'.repeat(80)}\n\n`));
}

async function buildNode() {
  const entryPoints = Object.fromEntries(Object.entries(nodeEntries).filter(([, path]) => existsSync(path)));
  const common = {
    outdir: 'dist',
    metafile: true,
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'esm',
    sourcemap: 'linked',
    sourcesContent: false,
    external: ['esbuild'],
    plugins: [requireNative],
    define: { __VERSION__: JSON.stringify(version) },
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  };
  const built = await Promise.all([
    build({ ...common, entryPoints }),
    // The command line reads what a command needs when the command does.
    build({
      ...common,
      entryPoints: { cli: 'src/cli/main.ts' },
      splitting: true,
      chunkNames: 'cli-[name]-[hash]',
    }),
  ]);
  for (const { metafile } of built) noteBundled(metafile);
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
  const { metafile } = await build({
    entryPoints: { console: 'src/console/main.tsx' },
    outdir: 'dist/console',
    metafile: true,
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
  noteBundled(metafile);
  writeFileSync('dist/console/index.html', readFileSync('src/console/index.html'));
}

/**
 * Declarations of the library entries and of what they are made of, no others: tsc writes those of every file that is imported somewhere, and
 * leaves the endings of what they import as they are.
 */
async function buildTypes() {
  const { outDir } = JSON.parse(readFileSync('tsconfig.types.json', 'utf8')).compilerOptions;
  await promisify(execFile)(process.execPath, [
    'node_modules/typescript/bin/tsc',
    '-p',
    'tsconfig.types.json',
  ]);
  const taken = new Set();
  function take(file) {
    if (taken.has(file)) return;
    taken.add(file);
    const text = readFileSync(join(outDir, file), 'utf8');
    const target = join('dist/types', file);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text.replaceAll(/(['"]\.[^'"\n]*)\.ts(?=['"])/g, '$1.js'));
    for (const [, path] of text.matchAll(/['"](\.[^'"\n]*)\.ts['"]/g))
      take(join(dirname(file), `${path}.d.ts`));
  }
  for (const entry of ['index', 'analyze/index', 'client/index']) take(`${entry}.d.ts`);
  rmSync(outDir, { recursive: true });
}

const types = buildTypes();
buildKernel();
await Promise.all([types, buildNode(), buildConsole()]);
writeLicences();
writeFileSync(stamp, '');
