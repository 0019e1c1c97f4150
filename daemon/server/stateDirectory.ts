import { chmodSync, lstatSync, mkdirSync, realpathSync } from 'node:fs';
import { HoldfastError } from '../../protocol/errors.ts';

/** Makes the state directory 0700 where it is missing, sees to it that it is ours and nobody else's to enter, and gives its real path: one directory has one daemon, by whatever name it is called. */
export function prepareStateDirectory(directory: string): string {
  let real: string;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    real = realpathSync(directory);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown cause';
    throw new HoldfastError('failed', `Failed to make the state directory ${directory}: ${code}.`, { cause: error });
  }
  if (process.platform === 'win32') return real;
  const facts = lstatSync(real);
  if (facts.uid !== process.getuid?.()) {
    throw new HoldfastError('refusedByRule', `Failed to use the state directory ${directory}: it belongs to another user.`, {
      fix: 'Give a directory of your own with --state.',
    });
  }
  if ((facts.mode & 0o077) !== 0) chmodSync(real, 0o700);
  return real;
}
