import { HoldfastError } from '../../protocol/errors.ts';
import type { ManifestSource } from '../repository/manifestTypes.ts';

/** A place inside one source. */
export interface PlaceInSource {
  readonly source: ManifestSource;
  /** Names from the source down; `[]` is the source itself. */
  readonly names: readonly string[];
}

/** What a restore point is called in a sentence. */
export interface RestorePointTitle {
  /** What a user types for it. */
  readonly id: string;
  /** `restore point 4f1c2a00 of work`. */
  readonly title: string;
}

/** What a path inside a restore point leads to: its top (the list of sources, where there are several) or a place in a source. */
export type ResolvedPath = { readonly kind: 'top' } | ({ readonly kind: 'place' } & PlaceInSource);

/**
 * How the sources of a restore point lie beside each other: one source is the top itself; several lie in a folder each, named by the last
 * component of their path, made unique. What a command printed is a file of the command's name, beside those folders. The same for listing,
 * restoring and dumping.
 */
export class SourceLayout {
  readonly sources: readonly ManifestSource[];
  readonly #restorePoint: RestorePointTitle;
  readonly #folders: ReadonlyMap<string, ManifestSource>;

  constructor(sources: readonly ManifestSource[], restorePoint: RestorePointTitle) {
    this.sources = sources;
    this.#restorePoint = restorePoint;
    this.#folders = foldersOf(sources);
  }

  /** The one source that is the top itself; `undefined` where there are several. */
  get only(): ManifestSource | undefined {
    return this.sources.length === 1 ? this.sources[0] : undefined;
  }

  /** Folder name and source, in the order of the names; for one source its name is empty. */
  folders(): readonly (readonly [string, ManifestSource])[] {
    const only = this.only;
    return only === undefined ? [...this.#folders].toSorted(([a], [b]) => (a < b ? -1 : 1)) : [['', only]];
  }

  /** The name of the file that a command's output is. */
  outputName(command: ManifestSource): string {
    return [...this.#folders].find(([, candidate]) => candidate.id === command.id)?.[0] ?? 'output';
  }

  folderOf(source: ManifestSource): string {
    return this.folders().find(([, candidate]) => candidate.id === source.id)?.[0] ?? '';
  }

  /** Whether an absolute path lies inside one of the sources. */
  covers(path: string): boolean {
    return this.sources.some((source) => namesBelow(source, path) !== undefined);
  }

  /** Throws `unknownName` where no source has that path. */
  resolve(path: string): ResolvedPath {
    for (const source of this.sources) {
      const names = namesBelow(source, path);
      if (names !== undefined) return { kind: 'place', source, names };
    }
    const parts = splitPath(path);
    const only = this.only;
    if (only !== undefined) return { kind: 'place', source: only, names: parts };
    const [folder, ...names] = parts;
    if (folder === undefined) return { kind: 'top' };
    const source = this.#folders.get(folder);
    if (source === undefined) throw noSuchPath(path, this.#restorePoint);
    return { kind: 'place', source, names };
  }
}

export function noSuchPath(path: string, { id, title }: RestorePointTitle): HoldfastError {
  return HoldfastError.failedTo('unknownName', `find ${JSON.stringify(path)} in ${title}`, 'there is no such path', {
    fix: `"holdfast restore-point files ${id}" shows what is in it.`,
  });
}

/** The names of an absolute path that lies inside a source; `undefined` for any other. */
function namesBelow(source: ManifestSource, path: string): readonly string[] | undefined {
  if (source.kind !== 'folder' || source.label === '') return undefined;
  if (path === source.label) return [];
  const prefix = source.label.endsWith(source.separator) ? source.label : source.label + source.separator;
  return path.startsWith(prefix) ? splitPath(path.slice(prefix.length), source.separator) : undefined;
}

function splitPath(path: string, separator = '/'): readonly string[] {
  return path.split(separator).filter((part) => part !== '' && part !== '.');
}

function foldersOf(sources: readonly ManifestSource[]): ReadonlyMap<string, ManifestSource> {
  const folders = new Map<string, ManifestSource>();
  for (const source of sources) {
    const base = safeName(source.label.split(source.separator).findLast((part) => part !== '') ?? 'root');
    let name = base;
    for (let number = 2; folders.has(name); number += 1) name = `${base}-${number}`;
    folders.set(name, source);
  }
  return folders;
}

/** A label is for display and could hold anything: as a folder's name it must be one harmless component. */
function safeName(label: string): string {
  const name = label.replaceAll(/[/\\\p{Cc}]/gu, '_').slice(0, 100);
  return name === '' || name === '.' || name === '..' ? 'source' : name;
}
