import type { BigIntStats } from 'node:fs';
import type { PathChange } from '../../protocol/methods/restorePoints.ts';
import type { PolicyDefinition } from '../catalog/policyDefinition.ts';
import { ExcludeRules, type GitignoreScope } from '../engine/backup/excludeRules.ts';
import type { Entry } from '../repository/entry.ts';
import type { ManifestSource } from '../repository/manifestTypes.ts';
import type { TreeReader } from '../repository/treeReader.ts';
import type { RestorePointContents } from './restorePointContents.ts';
import { factsOf, namesIn, readPatterns, sourceChunks, targetOf } from './sourceReading.ts';

interface Folder {
  readonly contents: RestorePointContents;
  readonly source: ManifestSource;
  readonly tree: TreeReader;
  readonly rules: ExcludeRules;
  readonly alwaysExclude: readonly string[];
  readonly signal: AbortSignal;
}

/**
 * What leads from a restore point to its sources as they are now. A file of the same size and time counts as unchanged; one of the same size and
 * another time is read and compared. What a command printed is left out: to compare it, the command would have to run.
 */
export async function* diffWithSource(
  contents: RestorePointContents,
  definition: PolicyDefinition | undefined,
  alwaysExclude: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<PathChange> {
  const rules = new ExcludeRules(definition?.exclude ?? [], definition?.gitignore ?? false);
  for (const [, source] of contents.layout.folders()) {
    if (source.kind === 'command') continue;
    const place: Folder = { contents, source, tree: contents.reader.treeOf(source), rules, alwaysExclude, signal };
    const root = await contents.reader.rootOf(source, signal);
    const facts = await factsOf(Buffer.from(source.label));
    if (facts === undefined) yield { path: contents.pathOf({ source, names: [], entry: root }), change: 'removed' };
    else if (root.child !== undefined && facts.isDirectory()) yield* diffFolder(place, root.child, Buffer.from(source.label), [], []);
    else {
      const change = await changeOf(place, root, facts, Buffer.from(source.label));
      if (change !== undefined) yield { path: contents.pathOf({ source, names: [], entry: root }), change };
    }
  }
}

async function* diffFolder(
  place: Folder,
  folder: Uint8Array,
  path: Buffer,
  names: readonly Uint8Array[],
  outer: GitignoreScope,
): AsyncGenerator<PathChange> {
  const { contents, source, tree, signal, rules } = place;
  const there = new Map<string, Buffer>((await namesIn(path)).map((name) => [name.toString('latin1'), name]));
  const relative = names.map((name) => Buffer.from(name).toString('latin1')).join('/');
  const has = (name: string): boolean => there.has(name);
  const patterns = await Promise.all(rules.patternFiles(relative, has).map((name) => readPatterns(path, name)));
  const scope = rules.scopeInside(relative, outer, has, patterns);
  for await (const record of tree.entries(folder, { signal })) {
    signal.throwIfAborted();
    const entry = tree.decode(record);
    const name = Uint8Array.from(record.name);
    const below = [...names, name];
    const shown = contents.pathOf({ source, names: below, entry });
    there.delete(Buffer.from(name).toString('latin1'));
    const here = Buffer.concat([path, Buffer.from('/'), name]);
    const facts = await factsOf(here);
    if (facts === undefined) {
      yield { path: shown, change: 'removed' };
    } else if (entry.child !== undefined && facts.isDirectory()) {
      if (entry.mode !== Number(facts.mode & 0o7777n)) yield { path: shown, change: 'metadata' };
      yield* diffFolder(place, entry.child, here, below, scope);
    } else {
      const change = await changeOf(place, entry, facts, here);
      if (change !== undefined) yield { path: shown, change };
    }
  }
  for (const [raw, name] of [...there].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const here = Buffer.concat([path, Buffer.from('/'), name]);
    signal.throwIfAborted();
    const isFolder = (await factsOf(here))?.isDirectory() === true;
    const inSource = relative === '' ? raw : `${relative}/${raw}`;
    if (rules.isExcluded(inSource, isFolder, scope) || place.alwaysExclude.includes(here.toString('utf8'))) continue;
    const shown = [...names, name].map((part) => Buffer.from(part).toString('utf8')).join('/');
    const folderName = contents.layout.folderOf(source);
    yield { path: folderName === '' ? shown : `${folderName}/${shown}`, change: 'added' };
  }
}

async function changeOf(place: Folder, entry: Entry, facts: BigIntStats, path: Buffer): Promise<PathChange['change'] | undefined> {
  const isSameKind = (entry.kind === 'file' && facts.isFile()) || (entry.kind === 'link' && facts.isSymbolicLink());
  if (!isSameKind) return isSpecial(entry, facts) ? undefined : 'kind';
  if (entry.kind === 'link') {
    return (await targetOf(path)).equals(Buffer.from(entry.linkTarget ?? [])) ? undefined : 'modified';
  }
  if (BigInt(entry.size ?? 0) !== facts.size) return 'modified';
  const isSameTime = entry.mtime === facts.mtimeNs;
  if (!isSameTime && !(await isSameData(place, entry, path))) return 'modified';
  return isSameTime && entry.mode === Number(facts.mode & 0o7777n) ? undefined : 'metadata';
}

/** FIFOs, sockets and devices have no content to compare. */
function isSpecial(entry: Entry, facts: BigIntStats): boolean {
  switch (entry.kind) {
    case 'fifo':
      return facts.isFIFO();
    case 'socket':
      return facts.isSocket();
    case 'characterDevice':
      return facts.isCharacterDevice();
    case 'blockDevice':
      return facts.isBlockDevice();
    case 'file':
    case 'directory':
    case 'link':
    case 'stream':
      return false;
  }
}

async function isSameData({ contents, signal }: Folder, entry: Entry, path: Buffer): Promise<boolean> {
  await using pieces = sourceChunks(path);
  let left = Buffer.alloc(0);
  for await (const piece of contents.reader.readFile(entry, { signal })) {
    while (left.length < piece.length) {
      const next = await pieces.next();
      if (next.done === true) return false;
      left = Buffer.concat([left, next.value]);
    }
    if (!left.subarray(0, piece.length).equals(piece)) return false;
    left = left.subarray(piece.length);
  }
  return left.length === 0 && (await pieces.next()).done === true;
}
