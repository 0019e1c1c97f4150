import { join } from 'node:path';
import { systemCode } from '../../protocol/systemCode.ts';
import { type FileSystem, type FolderEntry } from './fileAccess.ts';
import { isObjectKeyPart } from './objectKey.ts';

export interface WalkedFile {
  /** The path below the root, parts joined by `/`. */
  readonly key: string;
  readonly path: string;
}

/** Takes a name of a file or folder of the store; names that begin with a dot or are outside the grammar belong to others. */
export type NameFilter = (entry: FolderEntry) => boolean;

export const objectNames: NameFilter = (entry) => isObjectKeyPart(entry.name);

/** Sorting a folder's name with its slash makes a walk in depth give keys in byte order (`-` sorts before `/`). */
const sortName = (entry: FolderEntry): string => (entry.kind === 'folder' ? `${entry.name}/` : entry.name);
const byName = (left: FolderEntry, right: FolderEntry): number => (sortName(left) < sortName(right) ? -1 : 1);

/** Could anything below `folder` (with its slash) begin with `prefix`? */
const mayHold = (folder: string, prefix: string): boolean => folder.startsWith(prefix) || prefix.startsWith(folder);

/**
 * All regular files below `root` whose keys begin with `prefix`, in key order. Symbolic links are neither followed nor given. A folder that vanishes
 * meanwhile counts as empty: the caller's guard tells whether the whole store vanished.
 */
export async function* walkFolder(
  fileSystem: FileSystem,
  root: string,
  prefix: string,
  files: NameFilter,
  beforeStep: () => void,
  base = '',
): AsyncIterable<WalkedFile> {
  beforeStep();
  let entries: readonly FolderEntry[];
  try {
    entries = await fileSystem.readFolder(join(root, base));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    throw error;
  }
  const taken = entries.filter((entry) => (entry.kind === 'folder' ? objectNames(entry) : entry.kind === 'file' && files(entry)));
  for (const entry of taken.toSorted(byName)) {
    const key = base + entry.name;
    if (entry.kind === 'folder') {
      if (mayHold(`${key}/`, prefix)) yield* walkFolder(fileSystem, root, prefix, files, beforeStep, `${key}/`);
    } else if (key.startsWith(prefix)) {
      yield { key, path: join(root, key) };
    }
  }
}
