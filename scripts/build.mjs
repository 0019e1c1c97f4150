// Bundles the entry points: into dist/, run by scripts/bootstrap.mjs under the pinned Node; small and without source maps into another folder
// with `--production --out DIR`, for the package.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import * as esbuild from 'esbuild';

const root = path.dirname(import.meta.dirname);
const { values } = parseArgs({ options: { production: { type: 'boolean', default: false }, out: { type: 'string', default: 'dist' } } });
const dist = path.resolve(root, values.out);
const requireBanner = "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

const common = {
  absWorkingDir: root,
  outdir: dist,
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  ...(values.production ? { minify: true, sourcemap: false } : { sourcemap: 'linked' }),
  legalComments: 'none',
  logLevel: 'warning',
  banner: { js: requireBanner },
  write: false,
};
const entries = {
  daemon: { 'daemon/main': 'daemon/main.ts', 'daemon/worker': 'daemon/worker.ts', 'daemon/keyAgent': 'daemon/keyAgent.ts' },
  cli: { 'cli/main': 'cli/main.ts' },
  extension: { 'extension/extension': 'extension/extension.ts' },
};
/** The requests to Vault are ours: what node-vault would make them with is never called, and four times as large as the rest of the key agent. */
const withoutAxios = {
  name: 'without-axios',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^axios$/ }, () => ({ path: 'axios', namespace: 'left-out' }));
    onLoad({ filter: /^axios$/, namespace: 'left-out' }, () => ({ contents: 'module.exports = undefined;' }));
  },
};
const results = await Promise.all([
  // In pieces, since the client of a bucket is loaded by those daemons alone that have one. All lie beside the entry: that folder is copied whole.
  esbuild.build({ ...common, entryPoints: entries.daemon, plugins: [withoutAxios], splitting: true, chunkNames: 'daemon/[name]-[hash]' }),
  esbuild.build({ ...common, entryPoints: entries.cli }),
  // In pieces, since what activation does not need is loaded behind it.
  esbuild.build({
    ...common,
    entryPoints: entries.extension,
    external: ['vscode'],
    splitting: true,
    chunkNames: 'extension/[name]-[hash]',
  }),
]);

// Each file is swapped in whole, and nothing is ever missing in between: a command line or a worker may start from dist/ at this moment. So pieces come
// before what names them.
const entryFiles = new Set(Object.values(entries).flatMap((names) => Object.keys(names).map((name) => path.join(dist, `${name}.js`))));
const outputs = results.flatMap(({ outputFiles }) => outputFiles);
const isEntry = ({ path: file }) => entryFiles.has(file);
const written = new Set();
for (const { path: file, contents } of [...outputs.filter((output) => !isEntry(output)), ...outputs.filter(isEntry)]) {
  const temporary = `${file}.${process.pid}.new`;
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(temporary, contents);
  renameSync(temporary, file);
  written.add(file);
  if (!file.endsWith('.map')) process.stdout.write(`${path.relative(root, file)} ${contents.length} bytes\n`);
}
for (const entry of existsSync(dist) ? readdirSync(dist, { withFileTypes: true, recursive: true }) : []) {
  const file = path.join(entry.parentPath, entry.name);
  if (entry.isFile() && !written.has(file)) rmSync(file, { force: true });
}
