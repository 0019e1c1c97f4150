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

  /** `folder` is raw, absolute, and without a slash at its end. */
  has(folder: string): boolean {
    if (folder === this.#last) return true;
    const isPrivate = this.#isPrivate(folder);
    if (isPrivate) this.#last = folder;
    return isPrivate;
  }

  #isPrivate(folder: string): boolean {
    const known = this.#known.get(folder);
    if (known !== undefined) return known;
    const isPrivate = (folder === '/' || this.#isPrivate(folder.slice(0, Math.max(1, folder.lastIndexOf('/'))))) && isOurs(folder);
    if (this.#known.size >= mostKnown) this.#known.clear();
    this.#known.set(folder, isPrivate);
    return isPrivate;
  }
}

function isOurs(folder: string): boolean {
  const found = lstatSync(rawPath(folder), { throwIfNoEntry: false });
  if (found?.isDirectory() !== true || (found.uid !== 0 && found.uid !== process.geteuid?.())) return false;
  return (found.mode & writableByOthers) === 0 || (found.mode & sticky) !== 0;
}
