import type { StoreId } from '../../protocol/ids.ts';
import { noDetails } from '../catalog/restorePointDetails.ts';
import type { RestorePointRecord } from '../catalog/restorePointStore.ts';
import { restorePointIdOf } from '../repository/manifest.ts';
import type { Manifest } from '../repository/manifestTypes.ts';

/** An authentic manifest, and the object that it was read from. */
export interface ReadManifest {
  readonly key: string;
  readonly versionId: string | null;
  /** Of the stored bytes. */
  readonly sha256: Uint8Array;
  readonly length: number;
  readonly manifest: Manifest;
  readonly header: { readonly objectId: Uint8Array };
}

/** The catalog's row of a restore point whose manifest a store gave back: live, not pinned, never verified. */
export function restorePointRecordOf(read: ReadManifest, storeId: StoreId): RestorePointRecord {
  const { manifest } = read;
  const description = manifest.policy['description'];
  return {
    id: restorePointIdOf(read.header.objectId),
    policyId: manifest.policyId,
    sequence: manifest.sequence,
    manifestKey: read.key,
    versionId: read.versionId,
    sha256: read.sha256,
    length: read.length,
    storeId,
    startedAt: manifest.claimed.started ?? manifest.claimed.finished,
    finishedAt: manifest.claimed.finished,
    storeTime: manifest.claimed.storeTime,
    ...numbersOf(manifest.statistics, read.length),
    outcome: manifest.warnings.length > 0 ? 'completeWithWarnings' : 'complete',
    state: 'live',
    pinned: false,
    verifiedAt: null,
    verifiedResult: null,
    details: {
      ...noDetails,
      description: typeof description === 'string' ? description : null,
      warnings: manifest.warnings,
      statistics: manifest.statistics,
    },
  };
}

/** The numbers of a manifest's free statistics that the catalog shows; 0 for what another writer left out. Its own length it cannot count. */
function numbersOf(
  statistics: Readonly<Record<string, unknown>>,
  ownLength: number,
): Pick<RestorePointRecord, 'files' | 'bytes' | 'addedBytes'> {
  const number = (name: string): number => {
    const value = statistics[name];
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0;
  };
  return { files: number('files'), bytes: number('bytes'), addedBytes: number('addedBytes') + ownLength };
}
