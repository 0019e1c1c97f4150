import { closeSync, constants, existsSync, openSync } from 'node:fs';
import { liesAt } from '../openedPath.ts';
import { rawPath } from '../rawPath.ts';
import { PrivateFolders } from './privateFolders.ts';

const openFolders = '/proc/self/fd';
/** PATH_MAX of Linux without its NUL (limits.h). */
const longestPath = 4095;
/** O_PATH of Linux (open(2)), which needs no right to read the folder. */
const asPlace = 0o10000000;

/**
 * The way into folders of a target that somebody else may write to: a folder that was made a moment ago may be a link to anywhere by now. On Linux a
 * folder is opened, is looked at where it really lies, and what is in it is then reached through the open folder; elsewhere by its path. One for
 * each thread; it holds the last folder open. Where nobody else can put a link, paths are enough: opening costs a restore of small files a tenth of its time.
 */
export class FolderDoor implements Disposable {
  readonly #isOpenable: boolean = process.platform === 'linux' && existsSync(openFolders);
  readonly #private: PrivateFolders;
  #folder: string | undefined;
  #descriptor: number | undefined;

  /** @param known what was found out before by the same thread */
  constructor(known: PrivateFolders = new PrivateFolders()) {
    this.#private = known;
  }

  [Symbol.dispose](): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
    this.#folder = undefined;
  }

  /**
   * The path by which the system is asked for a name in a folder: good until the next call. `path` is raw, and free of links as long as nobody puts one
   * there. Throws the system's error; `ELOOP` where a link has the place of a folder on the way, `ENAMETOOLONG`.
   */
  at(path: string): string {
    if (!this.#isOpenable) return path;
    // Nobody could reach by its path what could be made here through the open folder.
    if (path.length > longestPath) throw systemError('ENAMETOOLONG', 'The path is too long.');
    const slash = path.lastIndexOf('/');
    const folder = path.slice(0, Math.max(slash, 1));
    if (this.#private.has(folder)) return path;
    const descriptor = this.#open(folder);
    return `${openFolders}/${descriptor}/${path.slice(slash + 1)}`;
  }

  /** Whether a file that is made at a path has its owner and group by itself. `false` says nothing. */
  givesTo(path: string, uid: number, gid: number): boolean {
    return this.#isOpenable && this.#private.givesTo(path.slice(0, Math.max(path.lastIndexOf('/'), 1)), uid, gid);
  }

  #open(folder: string): number {
    if (this.#descriptor !== undefined && this.#folder === folder) return this.#descriptor;
    this[Symbol.dispose]();
    const descriptor = openFolder(folder, asPlace);
    this.#descriptor = descriptor;
    this.#folder = folder;
    return descriptor;
  }
}

/** Opens the folder that lies at a raw path, and no other that a link leads to: `ELOOP`. */
export function openFolder(folder: string, flags: number = constants.O_RDONLY): number {
  const path = rawPath(folder);
  const descriptor = openSync(path, flags | (constants.O_DIRECTORY ?? 0) | (constants.O_NOFOLLOW ?? 0));
  if (liesAt(descriptor, Buffer.from(folder.replace(/^\/+/, '/'), 'latin1'))) return descriptor;
  closeSync(descriptor);
  throw systemError('ELOOP', 'A link took the place of a folder.');
}

/** As the system would say it. */
function systemError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code, syscall: 'open' });
}
