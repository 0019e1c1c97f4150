import path from 'node:path';
import { damageCodes, HoldfastError } from '../../../protocol/errors.ts';
import type { GarbageDocument } from '../../../protocol/methods/garbage.ts';
import type { ActionRun, WorkResult } from '../../actions/actionQueue.ts';
import type { LocationRecord } from '../../catalog/locationStore.ts';
import type { PolicyRecord } from '../../catalog/policyStore.ts';
import type { Installation } from '../../installation/installation.ts';
import type { OpenLocation } from '../../installation/locationStores.ts';
import type { ObjectStore } from '../../locations/objectStore.ts';
import { keySourceOf } from '../../repository/keySource.ts';
import type { PolicyKeys } from '../../repository/policyKeys.ts';
import type { UnfinishedRuns } from '../unfinishedRuns.ts';
import { CondemnedLists } from './condemnedLists.ts';
import { StoredReach, strangerDetail } from './storedReach.ts';
import { condemnedFor, previewSweep, sweep, type SweepResult, type WaitingGarbage } from './sweep.ts';

export interface GarbageServiceOptions {
  readonly installation: Installation;
  readonly unfinished: UnfinishedRuns;
  readonly wallClock: () => Date;
  readonly onChanged: (locationId: string) => void;
  /** Nothing of this policy is collected until that is mended: for an alert. `policy` is its name. */
  readonly onFailed: (facts: GarbageFailure) => void;
  /** The same policy was collected. */
  readonly onCollected: (facts: Pick<GarbageFailure, 'locationId' | 'policyId'>) => void;
}

export interface GarbageFailure {
  readonly locationId: string;
  readonly policyId: string;
  readonly policy: string;
  readonly error: HoldfastError;
}

/** Lines of what waits. */
const mostWaiting = 200;
/** Left by puts that were cut short: as old as this by store time, no put is at work on them. */
const temporariesAfter = condemnedFor;

/** A location that takes puts and no deletes shows it nowhere else; one that is away or busy is tried again. */
const lastingCodes = ['storeReadOnly', 'storeRefused', 'storeFailed'] as const;

/** Gives back the space at a location that nothing needs any more. */
export class GarbageService {
  readonly #options: GarbageServiceOptions;

  constructor(options: GarbageServiceOptions) {
    this.#options = options;
  }

  /** Work of an action. Policies whose restore points cannot all be read are left out and named; then it ends as `damaged` with its document. */
  async collect(location: LocationRecord, isDryRun: boolean, run: ActionRun): Promise<WorkResult> {
    const { installation, onChanged, onFailed, onCollected } = this.#options;
    const at = await installation.stores.open(location.locationId, run.signal);
    const results: SweepResult[] = [];
    const failures: GarbageFailure[] = [];
    const fail = ({ policyId, name }: PolicyRecord, error: HoldfastError): void =>
      void failures.push({ locationId: location.locationId, policyId, policy: name, error });
    for (const policy of this.#policiesAt(location)) {
      run.signal.throwIfAborted();
      try {
        const { result, unreadable } = await this.#sweep(at, policy, isDryRun, run, results);
        results.push(result);
        if (unreadable !== undefined) fail(policy, hindered(policy, unreadable));
        else if (result.refused !== null) fail(policy, result.refused);
        else if (!isDryRun) onCollected({ locationId: location.locationId, policyId: policy.policyId });
      } catch (error) {
        if (HoldfastError.is(error, ...damageCodes, 'wrongSecret')) {
          fail(policy, stopped(policy, error, installation.locations.describe(location).path));
          continue;
        }
        const { locationId } = location;
        if (HoldfastError.is(error, ...lastingCodes) && !isDryRun)
          onFailed({ locationId, policyId: policy.policyId, policy: policy.name, error });
        throw error;
      }
    }
    if (!isDryRun) {
      await this.#sweepTemporaries(at.store, run.signal);
      for (const failure of failures) onFailed(failure);
      onChanged(location.locationId);
    }
    return this.#resultOf(location, results, failures, isDryRun);
  }

  /** Whether a collection would have something to do, as far as the catalog knows. */
  hasWork({ locationId, storeId }: LocationRecord): boolean {
    const { catalog } = this.#options.installation;
    const isCondemned = (state: 'condemned' | 'deleting'): boolean =>
      catalog.objects.list({ locationId, state, limit: 1 }).items.length > 0;
    return catalog.restorePoints.hasRetired(storeId) || isCondemned('condemned') || isCondemned('deleting');
  }

  /** Those that have anything there, deleted ones too. What lies under other ids is nobody's that this installation knows, and stays. */
  #policiesAt({ locationId }: LocationRecord): readonly PolicyRecord[] {
    const { catalog } = this.#options.installation;
    return catalog.policies
      .list({ includeDeleted: true })
      .filter(({ policyId }) => catalog.objects.list({ locationId, policyId, limit: 1 }).items.length > 0);
  }

  async #sweep(
    at: OpenLocation,
    policy: PolicyRecord,
    isDryRun: boolean,
    run: ActionRun,
    before: readonly SweepResult[],
  ): Promise<{ readonly result: SweepResult; readonly unreadable: HoldfastError | undefined }> {
    const { installation, unfinished, wallClock } = this.#options;
    const { catalog } = installation;
    const { policyId } = policy;
    const { store, locks } = at;
    const { locationId } = at.record;
    const { signal } = run;
    const keys = installation.keys.policyKeysOfAllGenerations(policyId, policy.keyGeneration);
    const { installationId, owner } = ownKeys(keys);
    const isDeleted = policy.deletedAt !== null;
    if (isDeleted && !isDryRun) {
      // No run of it comes any more that would look at what cut-short ones left.
      await unfinished.settle(policy, at, signal);
      unfinished.release(policy, locationId);
    }
    const done = before.reduce(
      (sum, { freedObjects, freedBytes }) => ({ objects: sum.objects + freedObjects, bytes: sum.bytes + freedBytes }),
      {
        objects: 0,
        bytes: 0,
      },
    );
    const reach = new StoredReach({ catalog, store, policyId, keys: keySourceOf(...keys), hasLocks: locks !== undefined });
    const result = await (isDryRun ? previewSweep : sweep)({
      catalog,
      store,
      book: new CondemnedLists({ store, installationId, policyId, owner }),
      reach,
      installationId,
      locationId,
      policyId,
      isDeleted,
      wallClock,
      ...(locks === undefined ? {} : { storeTime: async (stop: AbortSignal) => (await locks.clock.refresh({ signal: stop })).earliest }),
      signal,
      onProgress: ({ phase, objects, bytes }) =>
        run.report({ phase, files: done.objects + objects, bytes: done.bytes + bytes, totalFiles: null, totalBytes: null }),
    });
    return { result, unreadable: reach.unreadable };
  }

  async #sweepTemporaries(store: ObjectStore, signal: AbortSignal): Promise<void> {
    const { installation, wallClock } = this.#options;
    const installationId = installation.catalog.installation.get()?.installationId;
    if (installationId === undefined || store.sweepTemporaries === undefined) return;
    const before = new Date(wallClock().getTime() - temporariesAfter);
    await store.sweepTemporaries(`${installationId}/`, { before, signal });
  }

  #resultOf(location: LocationRecord, results: readonly SweepResult[], failures: readonly GarbageFailure[], isDryRun: boolean): WorkResult {
    const document: GarbageDocument = {
      location: location.name,
      locationId: location.locationId,
      freedBytes: results.reduce((sum, { freedBytes }) => sum + freedBytes, 0),
      freedObjects: results.reduce((sum, { freedObjects }) => sum + freedObjects, 0),
      waiting: waitingOf(results.flatMap(({ waiting }) => waiting)),
      partlyUsedBytes: results.reduce((sum, { unusedBytes }) => sum + unusedBytes, 0),
      stopped: failures.map(({ policy, policyId, error }) => ({ policy, policyId, reason: error.message })),
      dryRun: isDryRun,
    };
    const [first] = failures;
    return first === undefined
      ? { outcome: 'complete', document: { ...document } }
      : { outcome: 'failed', document: { ...document }, error: first.error };
  }
}

/** By whole minutes: a few lines, whatever the policies are. Others may have planted objects with any locks: what is left of too many is told as one. */
function waitingOf(waiting: readonly WaitingGarbage[]): GarbageDocument['waiting'] {
  const byTime = new Map<string, number>();
  for (const { until, bytes } of waiting) {
    const minute = new Date(Math.ceil(until.getTime() / 60_000) * 60_000).toISOString();
    byTime.set(minute, (byTime.get(minute) ?? 0) + bytes);
  }
  const lines = [...byTime].map(([until, bytes]) => ({ until, bytes })).toSorted((one, other) => (one.until < other.until ? -1 : 1));
  const last = lines.at(-1);
  if (last === undefined || lines.length <= mostWaiting) return lines;
  const rest = lines.slice(mostWaiting - 1).reduce((sum, { bytes }) => sum + bytes, 0);
  return [...lines.slice(0, mostWaiting - 1), { until: last.until, bytes: rest }];
}

function ownKeys(keys: readonly PolicyKeys[]): Pick<PolicyKeys, 'installationId'> & { readonly owner: NonNullable<PolicyKeys['owner']> } {
  const [newest] = keys;
  if (newest?.owner === undefined) throw new HoldfastError('locked', 'Failed to collect garbage: no key is held.');
  return { installationId: newest.installationId, owner: newest.owner };
}

/** A folder of a restore point could not be read: all that an index names has to stay. */
function hindered({ name, policyId }: PolicyRecord, cause: HoldfastError): HoldfastError {
  return HoldfastError.failedTo(
    cause.code === 'wrongSecret' ? 'damaged' : cause.code,
    `collect all garbage of policy ${name}`,
    `what its restore points need can not all be read: ${cause.reason}`,
    { fix: wayOut(name), cause, details: { policyId, ...cause.details } },
  );
}

function wayOut(policy: string): string {
  return `Verify the restore points of ${policy} with --read-data, and retire those that can not be read.`;
}

function stopped(policy: PolicyRecord, cause: HoldfastError, folder: string | null): HoldfastError {
  const subject = typeof cause.details?.['subject'] === 'string' ? ` of ${cause.details['subject']}` : '';
  return new HoldfastError(
    cause.code === 'wrongSecret' ? 'damaged' : cause.code,
    `Failed to collect the garbage of policy ${policy.name}: the reach${subject} is not known: ${cause.reason}.`,
    {
      fix:
        aboutStranger(policy, cause, folder) ??
        `Verify the restore points of ${policy.name}, and retire those that can not be read; nothing of it is deleted before.`,
      cause,
      details: { policyId: policy.policyId, ...cause.details },
    },
  );
}

/**
 * The way out where a manifest stops the collection that is in nobody's list here, so that nothing can be retired: whether it is a stray file or another
 * machine's restore point, its damaged bytes can not tell. The user may know, and whoever owns the folder can take it away and put it back.
 */
function aboutStranger({ name }: PolicyRecord, cause: HoldfastError, folder: string | null): string | undefined {
  const key = cause.details?.[strangerDetail];
  if (typeof key !== 'string') return undefined;
  const place = folder === null ? key : path.join(folder, key);
  if (cause.code === 'unsupportedFormat') return `Update Holdfast here: a newer version may have written ${place}.`;
  return (
    `No restore point of ${name} that is known here has this name: it is a stray file, or a damaged restore point of another machine or from before ` +
    `an import. If you can do without it, move ${place} out of the location, keep it for a while, and collect again.`
  );
}
