import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';

/**
 * The entry of the daemon's threads as one file, made from the sources as they are now: a thread starts from it in a fifth of the time, which
 * counts where a test runs a hundred backups. Gone when the process ends.
 */
export function bundleWorker(): URL {
  const root = path.dirname(path.dirname(import.meta.dirname));
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hf-worker-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  const outfile = path.join(folder, 'worker.mjs');
  buildSync({ absWorkingDir: root, entryPoints: ['daemon/worker.ts'], outfile, bundle: true, platform: 'node', format: 'esm', banner });
  return pathToFileURL(outfile);
}

const banner = { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" };
