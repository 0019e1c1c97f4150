import * as vscode from 'vscode';
import { size } from '../../client/shown/units.ts';
import { type ErrorCode, HoldfastError } from '../../protocol/errors.ts';
import type { EntryKind, LocatedEntry } from '../../protocol/methods/restorePoints.ts';
import { restorePointCat, restorePointFiles, restorePointStat } from '../../protocol/methods/restorePoints.ts';
import type { DaemonService } from '../connection/daemonService.ts';
import type { ReadableFiles } from './lateFiles.ts';
import { linkTargetPath } from './linkTarget.ts';
import { placeOf, type RestorePointPlace } from './restorePointUri.ts';

/** The editor wants a file in one piece; what is larger than this is restored instead of opened. */
export const openedMost: number = 512 * 1024 * 1024;

/** As many facts of entries are kept: the editor asks for the same ones again and again, and they never change. */
const keptFacts = 2000;

const linksMost = 40;

const types: Readonly<Record<EntryKind, vscode.FileType>> = {
  file: vscode.FileType.File,
  stream: vscode.FileType.File,
  dir: vscode.FileType.Directory,
  link: vscode.FileType.SymbolicLink,
  fifo: vscode.FileType.Unknown,
  socket: vscode.FileType.Unknown,
  char: vscode.FileType.Unknown,
  block: vscode.FileType.Unknown,
};

/** Restore points as folders: what they hold, with the sizes and times that it had. */
export class RestorePointFiles implements ReadableFiles {
  readonly #daemon: DaemonService;
  readonly #facts = new Map<string, LocatedEntry>();

  constructor(daemon: DaemonService) {
    this.#daemon = daemon;
  }

  async stat(uri: vscode.Uri): Promise<vscode.FileStat> {
    return await this.#explained(uri, async () => {
      const place = placeOf(uri);
      const entry = await this.entryAt(place);
      // The only source may be a single file; the top is a folder all the same, with that file in it.
      if (place.path === '' && entry.kind !== 'dir') return statOf(entry, vscode.FileType.Directory);
      if (entry.kind !== 'link') return statOf(entry, types[entry.kind]);
      const target = await this.#follow(place, entry);
      if (target === undefined) return statOf(entry, vscode.FileType.SymbolicLink);
      return statOf(target, vscode.FileType.SymbolicLink | types[target.kind]);
    });
  }

  async readDirectory(uri: vscode.Uri): Promise<[string, vscode.FileType][]> {
    return await this.#explained(uri, async () => {
      const place = await this.#place(uri);
      const children: [string, vscode.FileType][] = [];
      let after: string | undefined;
      do {
        const page = await this.#daemon.call(restorePointFiles, {
          restorePoint: place.restorePointId,
          path: place.path,
          recursive: false,
          ...(after === undefined ? {} : { after }),
        });
        for (const entry of page.items) children.push([entry.path.slice(entry.path.lastIndexOf('/') + 1), types[entry.kind]]);
        after = page.next ?? undefined;
      } while (after !== undefined);
      return children;
    });
  }

  async readFile(uri: vscode.Uri): Promise<Uint8Array> {
    return await this.#explained(uri, async () => {
      const place = await this.#place(uri);
      const entry = await this.entryAt(place);
      if (entry.kind === 'dir') throw vscode.FileSystemError.FileIsADirectory(uri);
      const length = entry.size ?? 0;
      if (length > openedMost) {
        throw vscode.FileSystemError.Unavailable(vscode.l10n.t('The file has {0}: too large to open. Restore it instead.', size(length)));
      }
      // Taken piece by piece into place, so that no second copy of it stands beside.
      const content = new Uint8Array(length);
      let at = 0;
      const ref = await this.#daemon.call(restorePointCat, { restorePoint: place.restorePointId, path: place.path });
      for await (const piece of await this.#daemon.stream(ref)) {
        content.set(piece, at);
        at += piece.length;
      }
      return content;
    });
  }

  /** The facts of an entry itself, a link not followed. */
  async entryAt(place: RestorePointPlace): Promise<LocatedEntry> {
    const key = `${place.restorePointId}/${place.path}`;
    const known = this.#facts.get(key);
    if (known !== undefined) return known;
    const entry = await this.#daemon.call(restorePointStat, { restorePoint: place.restorePointId, path: place.path });
    const [oldest] = this.#facts.keys();
    if (this.#facts.size >= keptFacts && oldest !== undefined) this.#facts.delete(oldest);
    this.#facts.set(key, entry);
    return entry;
  }

  /** Where a URI leads: through a link to what it names. */
  async #place(uri: vscode.Uri): Promise<RestorePointPlace> {
    const place = placeOf(uri);
    const entry = await this.entryAt(place);
    if (entry.kind !== 'link') return place;
    const target = await this.#follow(place, entry);
    if (target === undefined) {
      throw vscode.FileSystemError.FileNotFound(
        vscode.l10n.t('The link leads to {0}, which is not in this restore point.', entry.linkTarget ?? ''),
      );
    }
    return { restorePointId: place.restorePointId, path: target.path };
  }

  /** `undefined` for a link that leads out of the restore point, to nothing, or in a circle. */
  async #follow(place: RestorePointPlace, link: LocatedEntry): Promise<LocatedEntry | undefined> {
    let entry = link;
    for (let hops = 0; hops < linksMost; hops += 1) {
      const path = linkTargetPath(entry);
      if (path === undefined) return undefined;
      try {
        entry = await this.entryAt({ restorePointId: place.restorePointId, path });
      } catch (error) {
        if (HoldfastError.is(error, 'unknownName')) return undefined;
        throw error;
      }
      if (entry.kind !== 'link') return entry;
    }
    return undefined;
  }

  /** The daemon's errors in the editor's words; those are what a tab shows instead of the file. */
  async #explained<Result>(uri: vscode.Uri, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      if (notThere.includes(error.code)) throw vscode.FileSystemError.FileNotFound(uri);
      throw vscode.FileSystemError.Unavailable(error.fix === undefined ? error.message : `${error.message} ${error.fix}`);
    }
  }
}

const notThere: readonly ErrorCode[] = ['unknownName', 'ambiguousName'];

function statOf(entry: LocatedEntry, type: vscode.FileType): vscode.FileStat {
  const mtime = entry.mtime === null ? 0 : Date.parse(entry.mtime);
  // The time of creation is not kept; the editor shows neither.
  return { type, size: entry.size ?? 0, mtime, ctime: mtime, permissions: vscode.FilePermission.Readonly };
}
