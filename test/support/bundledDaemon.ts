import path from 'node:path';
import { buildSync } from 'esbuild';

const root = path.dirname(path.dirname(import.meta.dirname));

/** The daemon's program as it ships, `main.js` and `worker.js`, made in `folder` from the sources as they are now; `banner` stands at the top of each. */
export function bundleDaemon(folder: string, banner = ''): void {
  buildSync({
    absWorkingDir: root,
    entryPoints: { main: 'daemon/main.ts', worker: 'daemon/worker.ts' },
    outdir: folder,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: { js: `import { createRequire as __r } from 'node:module'; const require = __r(import.meta.url);${banner}` },
  });
}
