import { readFileSync } from 'node:fs';
import { systemCode } from '../../../protocol/systemCode.ts';
import type { Entry } from '../../repository/entry.ts';

/** What every user and group that has no place in this process's user namespace seems to be (user_namespaces(7)). */
export interface UnmappedIds {
  readonly uid: number;
  readonly gid: number;
}

const everyId = 0xffff_ffff;

/**
 * `undefined` where every owner is seen as it is: outside of a user namespace, or on another system than Linux. A service of systemd that may not write
 * everywhere runs in one.
 *
 * @param readText of a file in /proc
 */
export function unmappedIds(readText: (file: string) => string = (file) => readFileSync(file, 'utf8')): UnmappedIds | undefined {
  try {
    if (['uid_map', 'gid_map'].every((map) => isWhole(readText(`/proc/self/${map}`)))) return undefined;
    const [uid, gid] = ['overflowuid', 'overflowgid'].map((name) => Number(readText(`/proc/sys/kernel/${name}`)));
    return uid === undefined || gid === undefined ? undefined : { uid, gid };
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return undefined;
  }
}

/** The owner to write down: none where it can not be seen, since another one would be wrong. */
export function ownerOf(facts: { readonly uid: number; readonly gid: number }, unmapped: UnmappedIds | undefined): Pick<Entry, 'owner'> {
  if (unmapped !== undefined && (facts.uid === unmapped.uid || facts.gid === unmapped.gid)) return {};
  return { owner: { uid: facts.uid, gid: facts.gid } };
}

function isWhole(map: string): boolean {
  const [inside, outside, count] = map.trim().split(/\s+/).map(Number);
  return inside === 0 && outside === 0 && count === everyId;
}
