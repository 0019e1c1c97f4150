import { readFileSync, watch } from 'node:fs';
import path from 'node:path';

function linesOf(file: string): readonly string[] | undefined {
  try {
    return readFileSync(file, 'utf8').split('\n').slice(0, -1);
  } catch {
    // Not there yet.
    return undefined;
  }
}

/** The whole lines of a file that another process writes, once there are so many; with 0 once the file is there. Its folder has to be there. */
export async function writtenLines(file: string, count = 1): Promise<readonly string[]> {
  const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>();
  const look = (): void => {
    const lines = linesOf(file);
    if (lines !== undefined && lines.length >= count) resolve(lines);
  };
  // Watched before the first look, so nothing that is written in between is missed.
  const watcher = watch(path.dirname(file), look).on('error', reject);
  look();
  try {
    return await promise;
  } finally {
    watcher.close();
  }
}
