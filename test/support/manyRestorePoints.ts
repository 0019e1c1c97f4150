import { createHash, randomUUID } from 'node:crypto';
import path from 'node:path';
import { openCatalog } from '../../daemon/catalog/openCatalog.ts';
import { Installation } from '../../daemon/installation/installation.ts';
import { WorkerScryptRunner } from '../../daemon/keys/scryptRunner.ts';
import { nodeFileSystem } from '../../daemon/locations/fileAccess.ts';
import { idOf, type RestorePointId } from '../../protocol/ids.ts';
import { bundleWorker } from './bundledWorker.ts';
import type { ScratchState } from './daemon.ts';
import { FakeKeyAgent } from './fakeKeyAgent.ts';

const hour = 3_600_000;

/** Adds rows of restore points to the only policy's, one an hour back from now: lists see them, their contents are nowhere. No daemon may run. */
export async function addRestorePointRows(scratch: ScratchState, count: number): Promise<void> {
  const catalog = openCatalog(path.join(scratch.state, 'catalog.db'));
  using installation = new Installation({
    catalog,
    stateDirectory: scratch.state,
    fileSystem: nodeFileSystem,
    scrypt: new WorkerScryptRunner(bundleWorker()),
    keyAgent: new FakeKeyAgent(),
    unlockClock: { now: () => performance.now(), sleep: async () => undefined },
    wallClock: () => new Date(),
    onStateChanged: () => undefined,
    onPasskeyChanged: () => undefined,
    onLocationChanged: () => undefined,
    onUndelivered: () => undefined,
  });
  await installation.unlock({ passphrase: Buffer.from(scratch.passphrase) }, undefined, new AbortController().signal);
  const [policy] = catalog.policies.list();
  const location = policy?.locationId === null || policy === undefined ? undefined : catalog.locations.get(policy.locationId);
  if (policy === undefined || location === undefined) throw new Error('there is no policy with a location');
  const newest = Date.now();
  catalog.transaction(() => {
    for (let number = 1; number <= count; number += 1) {
      const at = new Date(newest - (count - number + 1) * hour).toISOString();
      catalog.restorePoints.add({
        id: idOf<RestorePointId>(randomUUID()),
        policyId: policy.policyId,
        sequence: number,
        manifestKey: `none/${number}`,
        versionId: null,
        sha256: createHash('sha256').update(String(number)).digest(),
        length: 1,
        storeId: location.storeId,
        startedAt: at,
        finishedAt: at,
        storeTime: null,
        files: number,
        bytes: number * 1000,
        addedBytes: number,
        outcome: 'complete',
        state: 'live',
        pinned: false,
        verifiedAt: null,
        verifiedResult: null,
        details: {},
      });
    }
  });
}
