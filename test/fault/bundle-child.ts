// Bundles a TypeScript file for a child process into a folder of its own; native packages are taken from the
// project's node_modules by path.
import { mkdtemp } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const require = createRequire(import.meta.url);

/** Returns the path of a CommonJS file; remove its folder afterwards. */
export async function bundleChild(source: URL): Promise<string> {
  const outfile = join(await mkdtemp(join(tmpdir(), 'millrace-child-')), 'child.cjs');
  await build({
    entryPoints: [fileURLToPath(source)],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'cjs',
    logLevel: 'error',
    plugins: [
      {
        name: 'packages-by-path',
        setup(plugin) {
          plugin.onResolve({ filter: /^[^./]/ }, ({ path, kind }) => {
            if (kind === 'entry-point' || path.startsWith('node:')) return undefined;
            return { path: require.resolve(path), external: true };
          });
        },
      },
    ],
  });
  return outfile;
}
