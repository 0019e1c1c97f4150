import { makeFolders } from './makeFolders.ts';

/** Makes a state directory where it is missing, for whichever comes first, the client or the daemon. Throws the system's error. */
export function makeStateDirectory(directory: string): void {
  makeFolders(directory);
}
