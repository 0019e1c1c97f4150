import type { VerifyDocument } from '../../protocol/methods/restorePoints.ts';
import { findingsInline } from '../../protocol/methods/values.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import type { ActionRun, WorkResult } from '../actions/actionQueue.ts';
import { roundedSeconds } from '../actions/seconds.ts';
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
    catalog.transaction(() => {
      catalog.restorePoints.setVerified(record.id, wallClock().toISOString(), report.ok ? 'ok' : 'damaged');
      // It may have been retired meanwhile, and that it stays.
      const state = catalog.restorePoints.get(record.id)?.state;
      if (!report.ok && state === 'live') catalog.restorePoints.setState(record.id, 'damaged');
      if (report.ok && state === 'damaged') catalog.restorePoints.setState(record.id, 'live');
      catalog.actions.addFindings(run.actionId, 'damaged', damaged);
    });
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
      seconds: roundedSeconds((performance.now() - started) / 1000),
    };
    if (report.ok) return { outcome: 'complete', document: { ...document } };
    return {
      outcome: 'failed',
      document: { ...document },
      error: new HoldfastError('damaged', `Restore point ${record.id.slice(0, 8)} is damaged: ${damaged.length} findings.`, {
        fix:
          report.damaged.length === 0
            ? 'Every file of it can be restored; nothing has to be done.'
            : 'Restore what is whole, and back up again: what is missing is then stored anew.',
      }),
    };
  }
}

function pathOf({ source, path }: DamagedPath): string {
  return path === '' ? (source ?? '') : path;
}

/** Paths that are lost, and objects that are damaged, also where another copy serves. */
function findingsOf(report: VerifyReport): readonly { readonly path: string; readonly reason: string }[] {
  const nothingLost = report.damaged.length === 0 ? ' No file is lost by it: another copy serves.' : '';
  return [
    ...report.damaged.map((found) => ({ path: pathOf(found), reason: found.reason })),
    ...report.objects.map(({ key, reason }) => ({ path: key, reason: `${reason}${nothingLost}` })),
  ];
}
