import type { VerifyDocument } from '../../protocol/methods/restorePoints.ts';
import { findingsInline } from '../../protocol/methods/values.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import { counted } from '../../protocol/wording.ts';
import type { ActionRun, WorkResult } from '../actions/actionQueue.ts';
import { roundedSeconds } from '../actions/seconds.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { parseRestorePointDetails } from '../catalog/restorePointDetails.ts';
import type { RestorePointRecord } from '../catalog/restorePointStore.ts';
import type { Installation } from '../installation/installation.ts';
import { keySourceOf } from '../repository/keySource.ts';
import { type DamagedPath, type VerifyReport, verifyRestorePoint } from '../repository/verify.ts';
import type { OpenRestorePoints } from './openRestorePoints.ts';

export interface VerifyServiceOptions {
  readonly installation: Installation;
  readonly restorePoints: OpenRestorePoints;
  readonly wallClock: () => Date;
  readonly onChanged: (restorePointId: string) => void;
}

/** Verifies restore points and remembers the verdict. */
export class VerifyService {
  readonly #options: VerifyServiceOptions;

  constructor(options: VerifyServiceOptions) {
    this.#options = options;
  }

  async run(record: RestorePointRecord, readData: boolean, run: ActionRun): Promise<WorkResult> {
    const { installation, restorePoints, wallClock, onChanged } = this.#options;
    const { catalog, keys } = installation;
    const started = performance.now();
    const store = await restorePoints.openStore(record);
    const policy = catalog.policies.get(record.policyId);
    const allKeys = keys.policyKeysOfAllGenerations(record.policyId, policy?.keyGeneration ?? 1);
    const report = await verifyRestorePoint(store, record.manifestKey, keySourceOf(...allKeys), {
      readData,
      signal: run.signal,
      expected: { policyId: record.policyId, storeId: record.storeId, sha256: record.sha256 },
      onProgress: ({ checkedObjects, checkedBytes, totalObjects }) =>
        run.report({ phase: 'verifying', files: checkedObjects, bytes: checkedBytes, totalFiles: totalObjects ?? null, totalBytes: null }),
    });
    const damaged = findingsOf(report);
    const isLost = report.damaged.length > 0;
    const isDoubted = catalog.transaction(() => {
      catalog.actions.addFindings(run.actionId, 'damaged', damaged);
      return remember(catalog, record, { isLost, readData, at: wallClock().toISOString() });
    });
    const isImported = catalog.importedPolicies.has(record.policyId);
    const ownerTagChecked = !isImported;
    const notes = [...(isImported ? [ownerUnchecked] : []), ...(isDoubted ? [earlierLoss] : []), ...report.notes];
    // An open reader may hold what turned out to be damaged.
    restorePoints.clear();
    onChanged(record.id);
    const document: VerifyDocument = {
      actionId: run.actionId,
      restorePointId: record.id,
      ok: report.ok,
      checkedObjects: report.checkedObjects,
      checkedBytes: report.checkedBytes,
      damaged: damaged.slice(0, findingsInline),
      damagedCount: damaged.length,
      ownerTagChecked,
      notes: notes.slice(0, findingsInline),
      seconds: roundedSeconds((performance.now() - started) / 1000),
    };
    if (!isLost) return { outcome: report.ok && !isDoubted ? 'complete' : 'completeWithWarnings', document: { ...document } };
    return {
      outcome: 'failed',
      document: { ...document },
      error: new HoldfastError('damaged', `Restore point ${record.id.slice(0, 8)} is damaged: ${counted(damaged.length, 'finding')}.`, {
        fix: 'Restore what is whole, and back up again: what is missing is then stored anew.',
      }),
    };
  }
}

const ownerUnchecked =
  'The tag of its owner was not checked: an import has only the migration key, and whoever else has that can write restore points too.';

const earlierLoss = 'An earlier verification that read the data found some of it lost; only one with --read-data can say that it is back.';

/**
 * Sets the verdict and the state: damaged is a restore point of which something can not be restored. Gives whether nothing was found now, but by a look
 * that could not have found what an earlier one did: then all stays as it is.
 */
function remember(
  catalog: Catalog,
  { id }: RestorePointRecord,
  { isLost, readData, at }: { readonly isLost: boolean; readonly readData: boolean; readonly at: string },
): boolean {
  const record = catalog.restorePoints.get(id);
  const details = parseRestorePointDetails(record?.details);
  const wasLost = details.isDataLost === true;
  if (wasLost && !isLost && !readData) return true;
  catalog.restorePoints.setVerified(id, at, isLost ? 'damaged' : 'ok');
  if (readData && wasLost !== isLost) catalog.restorePoints.setDetails(id, { ...details, isDataLost: isLost });
  // It may have been retired meanwhile, and that it stays.
  if (isLost && record?.state === 'live') catalog.restorePoints.setState(id, 'damaged');
  if (!isLost && record?.state === 'damaged') catalog.restorePoints.setState(id, 'live');
  return false;
}

function pathOf({ source, path }: DamagedPath): string {
  return path === '' ? (source ?? '') : path;
}

/** Paths that are lost, and objects that are damaged, also where another copy serves. */
function findingsOf(report: VerifyReport): readonly { readonly path: string; readonly reason: string }[] {
  const nothingLost = report.damaged.length === 0 ? ' No file of this restore point is lost by it.' : '';
  return [
    ...report.damaged.map((found) => ({ path: pathOf(found), reason: found.reason })),
    ...report.objects.map(({ key, reason }) => ({ path: key, reason: `${reason}${nothingLost}` })),
  ];
}
