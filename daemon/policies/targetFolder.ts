import { constants } from 'node:fs';
import { access, readdir } from 'node:fs/promises';
import path from 'node:path';
import { HoldfastError } from '../../protocol/errors.ts';
import { systemCode } from '../../protocol/systemCode.ts';
import { shellWord } from '../../protocol/wording.ts';
import { isLeftover } from '../engine/restore/temporaryName.ts';

/**
 * Throws `refusedByRule` where the target, or the nearest folder above it that is there, lies on a file system that this process can not write to: a disk
 * that is mounted read-only, or all that a confined service may not touch.
 *
 * @param environment systemd gives INVOCATION_ID to what it starts (systemd.exec(5))
 */
export async function refuseReadOnly(
  target: string,
  environment: Readonly<Record<string, string | undefined>>,
  canWrite: (file: string) => Promise<void> = (file) => access(file, constants.W_OK),
): Promise<void> {
  for (let at = target; ; at = path.dirname(at)) {
    try {
      await canWrite(at);
      return;
    } catch (error) {
      const code = systemCode(error);
      if (code === 'EROFS') throw readOnly(target, environment['INVOCATION_ID'] !== undefined, error);
      if (code !== 'ENOENT' || path.dirname(at) === at) return;
    }
  }
}

function readOnly(target: string, isService: boolean, cause: unknown): HoldfastError {
  return HoldfastError.failedTo('refusedByRule', `restore into ${target}`, 'the daemon can only read there', {
    fix: isService
      ? `Let the service write there: "holdfast service install --writable ${shellWord(target)}".`
      : 'Choose a folder on a disk that can be written to.',
    cause,
  });
}

/**
 * Whether a restore may begin there without touching anything: the folder is not there yet, or nothing is in it but what `endedRunIds` left there.
 * Throws `badValue` for what is no folder.
 */
export async function targetIsEmpty(target: string, endedRunIds: ReadonlySet<string>): Promise<boolean> {
  try {
    return (await readdir(target, { withFileTypes: true })).every((entry) => isLeftover(entry, endedRunIds));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return true;
    throw new HoldfastError('badValue', `Failed to restore into ${target}: it is not a folder that can be read.`, {
      fix: 'Choose another target.',
      cause: error,
    });
  }
}
