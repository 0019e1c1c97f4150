import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root, run } from '../../scripts/run.ts';
import { programVersion, protocolVersion } from '../../protocol/version.ts';

export interface OtherVersion {
  /** What package.json and the program say. */
  readonly version: string;
  /** The protocol that it speaks; default: the same. */
  readonly protocolMajor?: number;
}

/** What scripts/package.ts reads. */
const parts: readonly string[] =
  'cli client daemon extension protocol scripts media l10n docs/images/overview-light.png package.json package.nls.json'
    .split(' ')
    .concat(['README.md', 'CHANGELOG.md', 'LICENSE', '.vscodeignore']);

function replace(file: string, text: string, by: string): void {
  const before = readFileSync(file, 'utf8');
  assert.ok(before.includes(text), `${file} has ${text}`);
  writeFileSync(file, before.replace(text, by));
}

/** Packs the extension from the sources as they are now, as one of another version, in `folder`, which is made. Gives the `.vsix`. */
export async function packOtherVersion(folder: string, { version, protocolMajor = protocolVersion.major }: OtherVersion): Promise<string> {
  mkdirSync(folder, { recursive: true });
  for (const part of parts)
    if (existsSync(path.join(root, part))) cpSync(path.join(root, part), path.join(folder, part), { recursive: true });
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'), 'junction');
  replace(path.join(folder, 'package.json'), `"version": "${programVersion}"`, `"version": "${version}"`);
  const constants = path.join(folder, 'protocol', 'version.ts');
  replace(constants, `programVersion = '${programVersion}'`, `programVersion = '${version}'`);
  replace(constants, `{ major: ${protocolVersion.major}, `, `{ major: ${protocolMajor}, `);
  const { status, output } = await run(process.execPath, [path.join(folder, 'scripts', 'package.ts')], { cwd: folder });
  assert.equal(status, 0, output);
  return path.join(folder, '.cache', 'package', `holdfast-${version}.vsix`);
}
