import { chmodSync, lstatSync, readdirSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { HoldfastError } from '../../protocol/errors.ts';
import { makeStateDirectory } from '../../protocol/stateDirectory.ts';
import { systemCode } from '../../protocol/systemCode.ts';

/** Makes the state directory 0700 where it is missing, sees to it that it is ours and nobody else's to enter, and gives its real path: one directory has one daemon, by whatever name it is called. */
export function prepareStateDirectory(directory: string): string {
  let real: string;
  try {
    makeStateDirectory(directory);
    real = realpathSync(directory);
  } catch (error) {
    throw new HoldfastError('failed', `Failed to make the state directory ${directory}: ${systemCode(error) ?? 'unknown cause'}.`, {
      fix: 'Name a directory that you may write to with --state DIR.',
      cause: error,
    });
  }
  if (process.platform === 'win32') return real;
  const facts = lstatSync(real);
  if (facts.uid !== process.getuid?.()) {
    throw new HoldfastError('refusedByRule', `Failed to use the state directory ${directory}: it belongs to another user.`, {
      fix: 'Give a directory of your own with --state.',
    });
  }
  if ((facts.mode & 0o077) !== 0) chmodSync(real, 0o700);
  refuseForeignEntries(real, facts.uid);
  return real;
}

/**
 * Throws `refusedByRule` where anything in the directory belongs to somebody else: while others could write there, one may have left a link in place of the
 * catalog, or a file that he still holds open in place of the lock. Nobody can add to it once the directory is 0700.
 */
export function refuseForeignEntries(directory: string, userId: number): void {
  for (const name of readdirSync(directory)) {
    const facts = lstatSync(path.join(directory, name), { throwIfNoEntry: false });
    if (facts === undefined || facts.uid === userId) continue;
    throw new HoldfastError('refusedByRule', `Failed to use the state directory ${directory}: ${name} in it belongs to another user.`, {
      fix: 'Look who put it there; remove it if it is not yours.',
    });
  }
}
