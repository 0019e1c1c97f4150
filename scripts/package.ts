// Packs the extension as users install it: `npm run package`. Two runs on the same sources make the same bytes.
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { root, run } from './run.ts';
import { ScriptFailed } from './scriptFailed.ts';

export interface PackageOptions {
  /** The `.vsix` to write; default `.cache/package/NAME-VERSION.vsix`. */
  readonly out?: string;
  readonly signal?: AbortSignal;
}

export interface PackedExtension {
  readonly file: string;
  readonly bytes: number;
}

/** What is laid beside the bundles; .vscodeignore has the last word on what is packed. */
const parts = [
  'package.json',
  'package.nls.json',
  'README.md',
  'CHANGELOG.md',
  'LICENSE',
  '.vscodeignore',
  'media',
  'l10n',
  'docs/images/overview-light.png',
];
/** Seconds since 1970: the time that every file in the package bears. Any would do that does not change. */
const packedAt = '946684800';
const manifestShape = z.looseObject({ name: z.string(), version: z.string() });

function must(what: string, { status, output }: { readonly status: number | null; readonly output: string }): void {
  if (status !== 0) throw new ScriptFailed(what, output);
}

/** Modes travel into the package, and those of a checkout depend on who made it. */
function setModes(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    chmodSync(path.join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644);
  }
}

/** Bundles and packs in a folder of its own, so that dist/ and whatever runs from it stay as they are. */
export async function packageExtension(options: PackageOptions = {}): Promise<PackedExtension> {
  const manifest = manifestShape.parse(JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')));
  const cache = path.join(root, '.cache', 'package');
  const file = options.out ?? path.join(cache, `${manifest.name}-${manifest.version}.vsix`);
  mkdirSync(cache, { recursive: true });
  mkdirSync(path.dirname(file), { recursive: true });
  const stage = mkdtempSync(path.join(cache, 'stage-'));
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  try {
    for (const part of parts) {
      if (existsSync(path.join(root, part))) cpSync(path.join(root, part), path.join(stage, part), { recursive: true });
    }
    must(
      'bundle the extension',
      await run(process.execPath, [path.join(root, 'scripts', 'build.mjs'), '--production', '--out', path.join(stage, 'dist')], signal),
    );
    setModes(stage);
    must(
      'pack the extension',
      await run(
        process.execPath,
        [
          path.join(root, 'node_modules', '@vscode', 'vsce', 'vsce'),
          'package',
          '--no-dependencies',
          '--allow-missing-repository',
          '--no-rewrite-relative-links',
          '--out',
          file,
        ],
        // Times are written in the local zone, and names are sorted by the language.
        { cwd: stage, env: { SOURCE_DATE_EPOCH: packedAt, TZ: 'UTC', LC_ALL: 'C', npm_config_update_notifier: 'false' }, ...signal },
      ),
    );
    options.signal?.throwIfAborted();
    return { file, bytes: statSync(file).size };
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  try {
    const { file, bytes } = await packageExtension();
    process.stdout.write(`${path.relative(process.env['INIT_CWD'] ?? root, file)} ${bytes} bytes\n`);
  } catch (error) {
    if (!(error instanceof ScriptFailed)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
