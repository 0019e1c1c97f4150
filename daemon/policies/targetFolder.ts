import { readdir } from 'node:fs/promises';
import { HoldfastError } from '../../protocol/errors.ts';
import { systemCode } from '../../protocol/systemCode.ts';

/** Whether a restore may begin there without touching anything: the folder is empty or is not there yet. Throws `badValue` for what is no folder. */
export async function targetIsEmpty(target: string): Promise<boolean> {
  try {
    return (await readdir(target)).length === 0;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return true;
    throw new HoldfastError('badValue', `Failed to restore into ${target}: it is not a folder that can be read.`, {
      fix: 'Choose another target.',
      cause: error,
    });
  }
}
