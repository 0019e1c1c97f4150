import { lstatSync } from 'node:fs';
import { rawPath } from '../rawPath.ts';

const writableByOthers = 0o022;
const sticky = 0o1000;
const mostKnown = 4096;

/**
 * Folders whose paths nobody else can lead elsewhere: each one on the way belongs to this user or to root, and others may either not write into it or only
 * add to it (the sticky bit: sticky(7)). The rights of access lists show in the bits of the group (acl(5)). A folder that is so stays so while a restore goes
 * on: who could change it has no need to.
 */
export class PrivateFolders {
  readonly #known = new Map<string, boolean>();
  #last = '';
  readonly #uid: number | undefined = process.geteuid?.();
  readonly #gid: number | undefined = process.getegid?.();
  /** Private ones whose owner and group are this process's. */
  readonly #own = new Set<string>();

  /** `folder` is raw, absolute, and without a slash at its end. */
  has(folder: string): boolean {
    if (folder === this.#last) return true;
    const isPrivate = this.#isPrivate(folder);
    if (isPrivate) this.#last = folder;
    return isPrivate;
  }

  /**
   * Whether a file that this process makes in a folder has an owner and a group by itself: the group is that of the process or of the folder (open(2)), so
   * both must be it. Told of folders that are private, `false` of others; a file system that owns its files itself would show it on the folder.
   */
  givesTo(folder: string, uid: number, gid: number): boolean {
    return uid === this.#uid && gid === this.#gid && this.has(folder) && this.#own.has(folder);
  }

  #isPrivate(folder: string): boolean {
    const known = this.#known.get(folder);
    if (known !== undefined) return known;
    const isPrivate = (folder === '/' || this.#isPrivate(folder.slice(0, Math.max(1, folder.lastIndexOf('/'))))) && this.#isOurs(folder);
    if (this.#known.size >= mostKnown) {
      this.#known.clear();
      this.#own.clear();
    }
    this.#known.set(folder, isPrivate);
    return isPrivate;
  }

  #isOurs(folder: string): boolean {
    const found = lstatSync(rawPath(folder), { throwIfNoEntry: false });
    if (found?.isDirectory() !== true || (found.uid !== 0 && found.uid !== this.#uid)) return false;
    const isOurs = (found.mode & writableByOthers) === 0 || (found.mode & sticky) !== 0;
    if (isOurs && found.uid === this.#uid && found.gid === this.#gid) this.#own.add(folder);
    return isOurs;
  }
}
