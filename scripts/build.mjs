// Bundles the three entry points into dist/. Run by scripts/bootstrap.mjs under the pinned Node.
import { rmSync } from 'node:fs';
import path from 'node:path';
import * as esbuild from 'esbuild';

const root = path.dirname(import.meta.dirname);
const requireBanner = "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

rmSync(path.join(root, 'dist'), { recursive: true, force: true });
const result = await esbuild.build({
  absWorkingDir: root,
  entryPoints: { 'daemon/main': 'daemon/main.ts', 'daemon/worker': 'daemon/worker.ts', 'cli/main': 'cli/main.ts' },
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  sourcemap: 'linked',
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
  banner: { js: requireBanner },
});
for (const [file, output] of Object.entries(result.metafile.outputs)) {
  if (!file.endsWith('.map')) process.stdout.write(`${file} ${output.bytes} bytes\n`);
}
