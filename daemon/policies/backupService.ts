import { join } from 'node:path';
import { damageCodes, HoldfastError } from '../../protocol/errors.ts';
import { type ActionId, idOf, type LocationId } from '../../protocol/ids.ts';
import type { BackupDocument } from '../../protocol/methods/backups.ts';
import { findingsInline } from '../../protocol/methods/values.ts';
import type { ActionRun, WorkResult } from '../actions/actionQueue.ts';
import { roundedSeconds } from '../actions/seconds.ts';
import type { PolicyRecord } from '../catalog/policyStore.ts';
import type { RestorePointDetails } from '../catalog/restorePointDetails.ts';
import { BackupStoppedError } from '../engine/backup/stoppedError.ts';
import type { BackupJob, BackupResult, BackupSource, Head, Heads, LiveRestorePoint, PinnedIndex } from '../engine/jobs.ts';
import type { Installation } from '../installation/installation.ts';
import type { Heads as StoredHeads } from '../keys/heads.ts';
import type { ObjectStore } from '../locations/objectStore.ts';
import type { PolicyKeys } from '../repository/policyKeys.ts';
import { passCommitGate } from './commitGate.ts';
import { readManifest } from './manifestReading.ts';
import { definitionOf, refuseOwn } from './policyService.ts';
import { progressOf } from './runProgress.ts';
import { CatalogRunLedger } from './runLedger.ts';
import { namedIn } from './garbage/condemnedLists.ts';
import { condemnedBook, relyOn, takeCondemned } from './garbage/reliance.ts';
import type { UnfinishedRuns } from './unfinishedRuns.ts';

export interface BackupServiceOptions {
  readonly installation: Installation;
  readonly runBackup: (job: BackupJob) => Promise<BackupResult>;
  readonly unfinished: UnfinishedRuns;
  readonly writer: string;
  readonly wallClock: () => Date;
  readonly onCommitted: (restorePointId: string) => void;
  /** Retention follows each run that made a restore point; it throws nothing. */
  readonly retire: (policy: PolicyRecord) => void;
  readonly onManifestUnreadable: (facts: { readonly restorePointId: string; readonly error: unknown }) => void;
}

export interface BackupRequest {
  readonly description?: string;
  readonly dryRun: boolean;
}

/** So often a run starts again without packs that turned out to be gone. */
const attempts = 2;

/** Runs backups of policies: puts the job together, watches over ledger and gate, and writes the row that acknowledges. */
export class BackupService {
  readonly #options: BackupServiceOptions;

  constructor(options: BackupServiceOptions) {
    this.#options = options;
  }

  /** One run of a policy. */
  async run(policy: PolicyRecord, request: BackupRequest, run: ActionRun): Promise<WorkResult> {
    const { installation, unfinished } = this.#options;
    const { locationId } = policy;
    if (locationId === null) {
      throw new HoldfastError('unknownName', `Failed to back up ${policy.name}: its location was removed.`, {
        fix: `Give it another one: "holdfast policy edit ${policy.name} --location NAME".`,
      });
    }
    const actionId = idOf<ActionId>(run.actionId);
    const store = await installation.locations.open(locationId);
    await installation.keyrings.deliver(locationId, store, run.signal);
    await unfinished.settle(policy, locationId, store, run.signal);
    try {
      let unusablePacks: readonly Uint8Array[] = [];
      let left: readonly PinnedIndex[] = [];
      for (let attempt = 1; ; attempt += 1) {
        try {
          const result = await this.#attempt({ policy, locationId, store, request, run, actionId, unusablePacks, left });
          if (!request.dryRun) this.#options.retire(policy);
          return this.#document(policy, run, result, request.dryRun);
        } catch (error) {
          const missing = packsOf(error);
          if ((missing.length === 0 && !isWithoutIndexes(error)) || attempt === attempts) throw error;
          await unfinished.withdraw(policy, locationId, store, actionId, run.signal);
          unusablePacks = [...unusablePacks, ...missing];
          if (error instanceof BackupStoppedError) {
            const { indexes, nextIndexSequence } = error.remains;
            left = [...left, ...indexes];
            installation.catalog.sequences.raise(`index/${policy.policyId}`, nextIndexSequence - 1);
          }
        }
      }
    } catch (error) {
      // What was uploaded stays pinned until this has looked at it; a store that is away is looked at before the next run.
      await unfinished.settleAfterFailure(policy, locationId, store, actionId);
      throw error;
    }
  }

  async #attempt(given: {
    readonly policy: PolicyRecord;
    readonly locationId: LocationId;
    readonly store: ObjectStore;
    readonly request: BackupRequest;
    readonly run: ActionRun;
    readonly actionId: ActionId;
    readonly unusablePacks: readonly Uint8Array[];
    /** Indexes of the attempts before this one. */
    readonly left: readonly PinnedIndex[];
  }): Promise<BackupResult> {
    const { policy, locationId, store, request, run, actionId, unusablePacks, left } = given;
    const { installation, runBackup, writer, wallClock } = this.#options;
    const { catalog, keys, stateDirectory } = installation;
    const { policyId, keyGeneration } = policy;
    const definition = definitionOf(policy);
    // A location may have come to lie around a source after the policy was made.
    for (const { path } of definition.sources) await refuseOwn(path, installation.ownFolders);
    const policyKeys = keys.policyKeys(policyId, keyGeneration);
    const allKeys = keys.policyKeysOfAllGenerations(policyId, keyGeneration);
    const parentIndexes = await this.#parentIndexes(policy, locationId, store, allKeys, run.signal);
    const head = catalog.restorePoints.head(policyId);
    const { installationId } = policyKeys;
    const ledger = new CatalogRunLedger({ catalog, actionId, installationId, locationId, policyId, wallClock });
    const { sources, ...rules } = definition;
    const result = await runBackup({
      keys: policyKeys,
      store,
      writer,
      sources: sources.map(
        (source): BackupSource => ({
          id: source.sourceId,
          kind: source.kind,
          path: source.path,
          label: source.path,
          exclude: rules.exclude,
          gitignore: rules.gitignore,
          oneFileSystem: rules.oneFileSystem,
          includeCaches: rules.includeCaches,
          ...(rules.maxFileSize === null ? {} : { maxFileSize: rules.maxFileSize }),
        }),
      ),
      alwaysExclude: installation.ownFolders,
      policyDefinition: {
        name: policy.name,
    const place = { locationId, policyId, installationId: policyKeys.installationId };
    const book = condemnedBook(store, policyKeys);
    const condemned = await takeCondemned(catalog, place, book, run.signal);
    const relied = relyOn({
      ...{ catalog, locationId, policyId, condemned, gone: unusablePacks },
      actionId: request.dryRun ? undefined : actionId,
      indexes: [...parentIndexes, ...left],
    });
        createdAt: policy.createdAt,
        ...rules,
        exclude: [...rules.exclude],
        keep: rules.keep === null ? null : { ...rules.keep },
        before: rules.before === null ? null : { ...rules.before },
        after: rules.after === null ? null : { ...rules.after },
        sources: sources.map((source) => ({ ...source })),
        description: request.description ?? null,
      },
      sequence: (head?.sequence ?? 0) + 1,
      previous: head?.sha256 ?? null,
      live: this.#live(policy),
      heads: headsOf(installation.keyrings.headsAt(locationId)),
      parentIndexes: relied.indexes,
      unusablePacks: relied.unusablePacks,
      nextIndexSequence: catalog.sequences.last(`index/${policyId}`) + 1,
      cacheFolder: join(stateDirectory, 'cache', policyId),
      ...(request.description === undefined ? {} : { description: request.description }),
      dryRun: request.dryRun,
      ledger,
      gate: (reached) =>
        passCommitGate(
          {
            ...{ catalog, store, installationId, locationId, policyId, wallClock, signal: run.signal },
            condemned: async (signal) => namedIn(await book.read(signal)),
          },
          reached,
        ),
      clock: () => wallClock().getTime(),
      signal: run.signal,
      onProgress: (progress) => run.report(progressOf(progress)),
    });
    if (!request.dryRun) this.#acknowledge(policy, locationId, store, actionId, result, request);
    return result;
  }

  /** The last step: from here on the restore point counts. */
  #acknowledge(
    policy: PolicyRecord,
    locationId: LocationId,
    store: ObjectStore,
    actionId: ActionId,
    result: BackupResult,
    request: BackupRequest,
  ): void {
    const { catalog } = this.#options.installation;
    const { manifest, statistics } = result;
    const details: RestorePointDetails = {
      description: request.description ?? null,
      warnings: result.warnings,
      statistics: { ...statistics },
    };
    catalog.transaction(() => {
      catalog.restorePoints.add({
        id: manifest.restorePointId,
        policyId: policy.policyId,
        sequence: manifest.sequence,
        manifestKey: manifest.key,
        versionId: manifest.versionId,
        sha256: manifest.sha256,
        length: manifest.length,
        storeId: store.storeId,
        startedAt: manifest.started,
        finishedAt: manifest.finished,
        storeTime: null,
        files: statistics.files,
        bytes: statistics.bytes,
        addedBytes: statistics.addedBytes,
        outcome: result.hasWarnings ? 'completeWithWarnings' : 'complete',
        state: 'live',
        pinned: false,
        verifiedAt: null,
        verifiedResult: null,
        details,
      });
      catalog.sequences.raise(`index/${policy.policyId}`, result.nextIndexSequence - 1);
      catalog.sequences.raise(`manifest/${policy.policyId}`, manifest.sequence);
      catalog.runPins.release(actionId);
      this.#options.unfinished.release(policy, locationId);
      catalog.actions.addFindings(
        actionId,
        'skipped',
        result.skipped.map(({ path, reason }) => ({ path, reason })),
      );
    });
    this.#options.onCommitted(manifest.restorePointId);
  }

  /** The indexes to deduplicate against: those of the newest restore point whose manifest can be read, and those that cut-short runs left. */
  async #parentIndexes(
    policy: PolicyRecord,
    locationId: LocationId,
    store: ObjectStore,
    keys: readonly PolicyKeys[],
    signal: AbortSignal,
  ): Promise<readonly PinnedIndex[]> {
    const { installation, unfinished } = this.#options;
    const left = await unfinished.indexes(policy, locationId, store, signal);
    for (const record of installation.catalog.restorePoints.live(policy.policyId).toReversed()) {
      if (record.storeId !== store.storeId) continue;
      try {
        const { manifest } = await readManifest(record, store, keys, signal);
        const pinned = new Set(manifest.indexes.map((index) => index.key));
        return [...manifest.indexes, ...left.filter((index) => !pinned.has(index.key))];
      } catch (error) {
        if (!HoldfastError.is(error, ...damageCodes)) throw error;
        this.#options.onManifestUnreadable({ restorePointId: record.id, error });
      }
    }
    return left;
  }

  #live(policy: PolicyRecord): readonly LiveRestorePoint[] {
    const { catalog } = this.#options.installation;
    return catalog.restorePoints.live(policy.policyId).map(({ id, sequence, versionId, sha256 }) => ({
      sequence,
      objectId: Buffer.from(id.replaceAll('-', ''), 'hex'),
      versionId,
      sha256,
    }));
  }

  #document(policy: PolicyRecord, run: ActionRun, result: BackupResult, isDryRun: boolean): WorkResult {
    const { statistics } = result;
    const document: BackupDocument = {
      actionId: run.actionId,
      policy: policy.name,
      policyId: policy.policyId,
      restorePointId: isDryRun ? null : result.manifest.restorePointId,
      outcome: result.hasWarnings ? 'completeWithWarnings' : 'complete',
      files: statistics.files,
      bytes: statistics.bytes,
      addedBytes: statistics.addedBytes,
      skipped: result.skipped.slice(0, findingsInline).map(({ path, reason }) => ({ path, reason })),
      skippedCount: result.skippedCount,
      warnings: result.warnings.slice(0, findingsInline),
      warningsCount: result.warnings.length,
      seconds: roundedSeconds(result.seconds),
    };
    return {
      outcome: document.outcome === 'complete' ? 'complete' : 'completeWithWarnings',
      document: { ...document },
      ...(result.hasWarnings ? { error: warningsOf(policy, result) } : {}),
    };
  }
}

function warningsOf(policy: PolicyRecord, result: BackupResult): HoldfastError {
  const count = result.skippedCount + result.warnings.length;
  return new HoldfastError('completedWithWarnings', `Backed up ${policy.name} with ${count} warnings.`, {
    fix: 'Read the report; it names what is not in the restore point.',
    details: { warnings: result.warnings.slice(0, 20) },
  });
}

/** The packs that a run relied on and that are gone: what `packsMissing` put into the details. */
function packsOf(error: unknown): readonly Uint8Array[] {
  if (!HoldfastError.is(error, 'objectMissing')) return [];
  const packs = error.details?.['packs'];
  return Array.isArray(packs) ? packs.filter((pack) => typeof pack === 'string').map((pack) => Buffer.from(pack, 'hex')) : [];
}

function headOf(one: StoredHeads['keyring']): Head | null {
  return one === null ? null : { sequence: one.sequence, sha256: Buffer.from(one.sha256, 'base64') };
}

function headsOf(stored: StoredHeads): Heads {
  const policies: Record<string, Head> = {};
  for (const [policyId, one] of Object.entries(stored.policies)) {
    const head = headOf(one);
    if (head !== null) policies[policyId] = head;
  }
  return { policies, keyring: headOf(stored.keyring), term: headOf(stored.term) };
}
/** Whether a run relied on indexes that are on their way out: the next attempt goes without them. */
function isWithoutIndexes(error: unknown): boolean {
  return HoldfastError.is(error, 'objectMissing') && Array.isArray(error.details?.['indexes']);
}

