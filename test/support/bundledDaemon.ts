import path from 'node:path';
import { buildSync } from 'esbuild';

const root = path.dirname(path.dirname(import.meta.dirname));

/** The daemon's program as it ships, `main.js` and `worker.js`, made in `folder` from the sources as they are now; `banner` stands at the top of each. */
export function bundleDaemon(folder: string, banner = ''): void {
  bundle(folder, { main: 'daemon/main.ts', worker: 'daemon/worker.ts' }, { banner });
}

/** As `bundleDaemon`, with `steppedDaemon.ts` around the main program. Gives its entry. In pieces, as it ships: what is not used is not loaded at each start. */
export function bundleSteppedDaemon(folder: string): string {
  bundle(folder, { main: 'test/support/steppedDaemon.ts', worker: 'daemon/worker.ts' }, { splitting: true });
  return path.join(folder, 'main.js');
}

function bundle(
  folder: string,
  entryPoints: Readonly<Record<string, string>>,
  { banner = '', splitting = false }: { readonly banner?: string; readonly splitting?: boolean },
): void {
  buildSync({
    absWorkingDir: root,
    entryPoints: { ...entryPoints },
    outdir: folder,
    bundle: true,
    splitting,
    platform: 'node',
    format: 'esm',
    banner: { js: `import { createRequire as __r } from 'node:module'; const require = __r(import.meta.url);${banner}` },
  });
}
