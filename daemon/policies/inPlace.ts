import { lstatSync } from 'node:fs';
import path from 'node:path';
import { HoldfastError } from '../../protocol/errors.ts';
import type { SourceId } from '../../protocol/ids.ts';
import { systemCode } from '../../protocol/systemCode.ts';
import { displayPath } from '../engine/displayPath.ts';
import type { RestoreTarget } from '../engine/jobs.ts';
import { rawOf, rawPath } from '../engine/rawPath.ts';
import { targetIsEmpty } from './targetFolder.ts';

/** A source on its way back to where it came from. */
export interface TargetInPlace extends Pick<RestoreTarget, 'sourceId' | 'folder'> {
  /** The raw name of a source that was a single file. */
  readonly fileName: Uint8Array | undefined;
}

/**
 * Throws `targetNotEmpty` where something is there already of what is to come back in place: one of the selected paths, else the file, or the folder with
 * anything in it, that a source is. So what was merely lost comes back without a word about what would be replaced.
 *
 * @param selection raw paths inside each source, an empty one for all of it; `undefined`: everything
 */
export async function refuseTakenPlaces(
  targets: readonly TargetInPlace[],
  selection: ReadonlyMap<SourceId, readonly Uint8Array[]> | undefined,
  endedRunIds: ReadonlySet<string>,
): Promise<void> {
  for (const { sourceId, folder, fileName } of targets) {
    const whole = fileName ?? Buffer.alloc(0);
    const wanted = fileName === undefined && selection !== undefined ? (selection.get(sourceId) ?? []) : [whole];
    for (const name of wanted) {
      if (name.length === 0) {
        if (!(await targetIsEmpty(folder, endedRunIds))) throw taken(`${folder} is not empty`);
        continue;
      }
      const raw = `${rawOf(path.resolve(folder))}/${Buffer.from(name).toString('latin1')}`;
      if (isThere(raw)) throw taken(`${shown(raw)} is there already`);
    }
  }
}

function isThere(raw: string): boolean {
  try {
    return lstatSync(rawPath(raw), { throwIfNoEntry: false }) !== undefined;
  } catch (cause) {
    // Nothing can be below a file; the restore itself says what is in its way.
    if (systemCode(cause) === 'ENOTDIR') return false;
    throw HoldfastError.failedTo('diskFailed', 'restore in place', `${shown(raw)} can not be looked at`, {
      fix: 'Restore into another folder: --target DIR.',
      cause,
    });
  }
}

/** For people. */
function shown(raw: string): string {
  return displayPath(Buffer.from(raw, 'latin1'));
}

function taken(reason: string): HoldfastError {
  return HoldfastError.failedTo('targetNotEmpty', 'restore in place', reason, {
    fix: 'Say what becomes of what is there: --conflict skip brings back only what is missing, overwrite replaces it, rename puts the restored one beside it.',
  });
}
