import { readdirSync, unlinkSync } from 'node:fs';
import { displayPath } from '../displayPath.ts';
import { rawPath } from '../rawPath.ts';
import type { FolderDoor } from './folderDoor.ts';
import { codeOf, reasonFor } from './targetFolders.ts';
import { isLeftover } from './temporaryName.ts';

/**
 * Removes from a folder (raw) what restores that did not come to their end have left in it: their daemon was killed. A name is removed, never what a
 * link leads to, and the folder is entered as the restore enters it. What can't be removed is told to `warn` as a whole sentence.
 */
export function sweepLeftovers(door: FolderDoor, folder: string, endedRunIds: ReadonlySet<string>, warn: (sentence: string) => void): void {
  if (endedRunIds.size === 0) return;
  const trying = <Result>(path: string, work: (inDoor: string | Buffer) => Result): Result | undefined => {
    try {
      return work(rawPath(door.at(path)));
    } catch (error) {
      const code = codeOf(error);
      const shown = displayPath(Buffer.from(path, 'latin1'));
      // Somebody else, such as another restore that sweeps too, was faster.
      if (code !== 'ENOENT') warn(`What an earlier restore left half done can't be removed from ${shown}: ${reasonFor(code)}.`);
      return undefined;
    }
  };
  for (const entry of trying(`${folder}/.`, (inDoor) => readdirSync(inDoor, { withFileTypes: true })) ?? []) {
    if (isLeftover(entry, endedRunIds)) trying(`${folder}/${entry.name}`, unlinkSync);
  }
}
