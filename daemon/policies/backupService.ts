import { join } from 'node:path';
import { damageCodes, HoldfastError } from '../../protocol/errors.ts';
import { type ActionId, idOf, type LocationId } from '../../protocol/ids.ts';
import type { SourceRules } from '../../protocol/methods/policies.ts';
import { shellWord } from '../../protocol/wording.ts';
import type { ActionRun, WorkResult } from '../actions/actionQueue.ts';
import type { SourceDefinition } from '../catalog/policyDefinition.ts';
import type { PolicyRecord } from '../catalog/policyStore.ts';
import type { RestorePointDetails } from '../catalog/restorePointDetails.ts';
import { BackupStoppedError } from '../engine/backup/stoppedError.ts';
import type { BackupJob, BackupResult, FolderSource, Head, Heads, LiveRestorePoint, PinnedIndex, ReachedObjects } from '../engine/jobs.ts';
import type { Installation } from '../installation/installation.ts';
import type { OpenLocation } from '../installation/locationStores.ts';
import type { Heads as StoredHeads } from '../keys/heads.ts';
import type { ObjectStore } from '../locations/objectStore.ts';
import type { PolicyKeys } from '../repository/policyKeys.ts';
import type { runCommand } from '../commands/runCommand.ts';
import { backedUp, failedWith, stoppedBy, withReports } from './backupOutcome.ts';
import { CommandSources } from './commandSources.ts';
import { passCommitGate, reachedNumbers } from './commitGate.ts';
import { namedIn } from './garbage/condemnedLists.ts';
import { bookToRead, relyOn, takeCondemned } from './garbage/reliance.ts';
import { readManifest } from './manifestReading.ts';
import { definitionOf, refuseOwn } from './policyService.ts';
import { progressOf } from './runProgress.ts';
import { RunHooks } from './runHooks.ts';
import { CatalogRunLedger } from './runLedger.ts';
import { boundedReports } from './runReports.ts';
import type { UnfinishedRuns } from './unfinishedRuns.ts';

export interface BackupServiceOptions {
  readonly installation: Installation;
  readonly runBackup: (job: BackupJob) => Promise<BackupResult>;
  readonly runCommand: typeof runCommand;
  readonly unfinished: UnfinishedRuns;
  readonly writer: string;
  readonly wallClock: () => Date;
  readonly onCommitted: (restorePointId: string) => void;
  /**
   * Retention follows each run that made a restore point of all its sources; it throws nothing. Without one of them, older restore points may be the last
   * that have it, and the newest is none that could stand for them.
   */
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

  /** One run of a policy, with the commands before and after it; a dry run runs none. */
  async run(policy: PolicyRecord, request: BackupRequest, run: ActionRun): Promise<WorkResult> {
    const { locationId, name, policyId } = policy;
    if (locationId === null) {
      throw new HoldfastError('unknownName', `Failed to back up ${name}: its location was removed.`, {
        fix: `Give it another one: "holdfast policy edit ${shellWord(name)} --location NAME".`,
      });
    }
    const { before, after } = definitionOf(policy);
    const commands = new CommandSources(this.#options.runCommand);
    const around = request.dryRun ? { before: null, after: null } : { before, after };
    const hooks = new RunHooks({ name, policyId, ...around }, run, this.#options.runCommand);
    const end = await hooks.around((inner) => this.#backUp(policy, locationId, request, inner, commands));
    const reports = boundedReports({ commands: commands.reports, hooks: hooks.reports });
    return 'result' in end ? withReports(policy, end.result, reports) : failedWith(policy, run, end.error, reports);
  }

  async #backUp(
    policy: PolicyRecord,
    locationId: LocationId,
    request: BackupRequest,
    run: ActionRun,
    commands: CommandSources,
  ): Promise<WorkResult> {
    const { installation, unfinished } = this.#options;
    const actionId = idOf<ActionId>(run.actionId);
    const at = await installation.stores.open(locationId, run.signal);
    const { store } = at;
    await installation.keyrings.deliver(locationId, store, run.signal);
    await unfinished.settle(policy, at, run.signal);
    try {
      let unusablePacks: readonly Uint8Array[] = [];
      let left: readonly PinnedIndex[] = [];
      for (let attempt = 1; ; attempt += 1) {
        try {
          const result = await this.#attempt({ policy, at, request, run, actionId, unusablePacks, left, commands });
          const missing = missingSources(policy, result);
          if (!request.dryRun && missing.length === 0) this.#options.retire(policy);
          return backedUp({ policy, run, result, missing, isDryRun: request.dryRun });
        } catch (error) {
          const missing = packsOf(error);
          if ((missing.length === 0 && !isWithoutIndexes(error)) || attempt === attempts) throw error;
          await unfinished.withdraw(policy, at, actionId, run.signal);
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
      await unfinished.settleAfterFailure(policy, at, actionId);
      throw stoppedBy(error, policy.name, installation.catalog.locations.get(locationId)?.name);
    }
  }

  async #attempt(given: {
    readonly policy: PolicyRecord;
    readonly at: OpenLocation;
    readonly request: BackupRequest;
    readonly run: ActionRun;
    readonly actionId: ActionId;
    readonly unusablePacks: readonly Uint8Array[];
    /** Indexes of the attempts before this one. */
    readonly left: readonly PinnedIndex[];
    readonly commands: CommandSources;
  }): Promise<BackupResult> {
    const { policy, at, request, run, actionId, unusablePacks, left, commands } = given;
    const { store, locks } = at;
    const { locationId } = at.record;
    const { installation, runBackup, writer, wallClock } = this.#options;
    const { catalog, keys, stateDirectory } = installation;
    const { policyId, keyGeneration } = policy;
    const definition = definitionOf(policy);
    // A location may have come to lie around a source after the policy was made.
    for (const source of definition.sources) if (source.kind === 'folder') await refuseOwn(source.path, installation.ownFolders);
    const policyKeys = keys.policyKeys(policyId, keyGeneration);
    const allKeys = keys.policyKeysOfAllGenerations(policyId, keyGeneration);
    const parentIndexes = await this.#parentIndexes(policy, at, allKeys, run.signal);
    const place = { locationId, policyId, installationId: policyKeys.installationId };
    const book = bookToRead(store, policyKeys, locks !== undefined);
    const condemned = await takeCondemned(catalog, place, book, run.signal);
    const relied = relyOn({
      catalog,
      locationId,
      policyId,
      condemned,
      gone: unusablePacks,
      actionId: request.dryRun ? undefined : actionId,
      indexes: [...parentIndexes, ...left],
    });
    const head = catalog.restorePoints.head(policyId);
    const { installationId } = policyKeys;
    const ledger = new CatalogRunLedger({ catalog, actionId, installationId, locationId, policyId, wallClock });
    const { sources, ...rules } = definition;
    let passed: { readonly reached: ReachedObjects; readonly holdsUntil: Date | null } | undefined;
    const gate = async (reached: ReachedObjects): Promise<void> => {
      const holdsUntil = await passCommitGate(
        {
          ...place,
          catalog,
          store,
          ...(locks === undefined ? {} : { keeper: locks.keeper }),
          wallClock,
          signal: run.signal,
          condemned: async (signal) => namedIn(await book.read(signal)),
        },
        reached,
      );
      passed = { reached, holdsUntil };
    };
    const result = await runBackup({
      keys: policyKeys,
      store,
      writer,
      sources: sources.map((source) => (source.kind === 'command' ? commands.source(source) : folderSource(source, rules))),
      alwaysExclude: installation.ownFolders,
      policyDefinition: {
        name: policy.name,
        createdAt: policy.createdAt,
        ...rules,
        exclude: [...rules.exclude],
        keep: rules.keep === null ? null : { ...rules.keep },
        before: rules.before === null ? null : { ...rules.before },
        after: rules.after === null ? null : { ...rules.after },
        sources: sources.map((source) => ({ ...source })),
        description: request.description ?? null,
        // What a lost catalog is rebuilt from: locks go on to be kept.
        protection: protectionOf(at.record),
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
      ...(rules.readLimit === null ? {} : { readLimit: rules.readLimit }),
      lowPriority: rules.lowPriority,
      ledger,
      gate,
      clock: () => wallClock().getTime(),
      ...(locks === undefined ? {} : { storeTime: () => locks.clock.estimate() }),
      signal: run.signal,
      onProgress: (progress) => run.report(progressOf(progress)),
    });
    if (!request.dryRun) {
      let storeTime: Date | null = null;
      let reach: readonly number[] | undefined;
      if (locks !== undefined && passed !== undefined) {
        const { reached, holdsUntil } = passed;
        const { latest } = await locks.clock.now({ signal: run.signal });
        // The machine may have slept since.
        if (holdsUntil !== null && latest > holdsUntil) await gate(reached);
        storeTime = (await locks.clock.now({ signal: run.signal })).earliest;
        reach = reachedNumbers({ ...place, catalog }, reached);
      }
      this.#acknowledge({ policy, locationId, store, actionId, result, request, storeTime, reach });
    }
    return result;
  }

  /** The last step: from here on the restore point counts. */
  #acknowledge({
    policy,
    locationId,
    store,
    actionId,
    result,
    request,
    storeTime,
    reach,
  }: {
    readonly policy: PolicyRecord;
    readonly locationId: LocationId;
    readonly store: ObjectStore;
    readonly actionId: ActionId;
    readonly result: BackupResult;
    readonly request: BackupRequest;
    readonly storeTime: Date | null;
    /** At a location with locks: what is kept locked for it from now on. */
    readonly reach: readonly number[] | undefined;
  }): void {
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
        storeTime: storeTime?.toISOString() ?? null,
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
      if (reach !== undefined) {
        catalog.reaches.record({ restorePointId: manifest.restorePointId, locationId, policyId: policy.policyId }, reach);
      }
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
    at: OpenLocation,
    keys: readonly PolicyKeys[],
    signal: AbortSignal,
  ): Promise<readonly PinnedIndex[]> {
    const { installation, unfinished } = this.#options;
    const left = await unfinished.indexes(policy, at, signal);
    for (const record of installation.catalog.restorePoints.live(policy.policyId).toReversed()) {
      if (record.storeId !== at.store.storeId) continue;
      try {
        const { manifest } = await readManifest(record, at.store, keys, signal);
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
    return catalog.restorePoints.kept(policy.policyId).map(({ id, sequence, versionId, sha256 }) => ({
      sequence,
      objectId: Buffer.from(id.replaceAll('-', ''), 'hex'),
      versionId,
      sha256,
    }));
  }
}

function protectionOf({ lockMode, protectionPeriodDays }: OpenLocation['record']): { readonly mode: string; readonly days: number } | null {
  return lockMode === null || protectionPeriodDays === null ? null : { mode: lockMode, days: protectionPeriodDays };
}

function folderSource({ sourceId, path }: Extract<SourceDefinition, { readonly kind: 'folder' }>, rules: SourceRules): FolderSource {
  const { exclude, gitignore, oneFileSystem, includeCaches, maxFileSize } = rules;
  return {
    id: sourceId,
    kind: 'folder',
    path,
    label: path,
    exclude,
    gitignore,
    oneFileSystem,
    includeCaches,
    ...(maxFileSize === null ? {} : { maxFileSize }),
  };
}

/** The sources of which nothing is in the restore point although it was asked for: not there, not readable, or their command failed. */
function missingSources(policy: PolicyRecord, { roots, hasWarnings }: BackupResult): readonly SourceDefinition[] {
  if (!hasWarnings) return [];
  const kept = new Set<string>(roots.map(({ sourceId }) => sourceId));
  return definitionOf(policy).sources.filter(({ sourceId }) => !kept.has(sourceId));
}

/** Whether a run relied on indexes that are on their way out: the next attempt goes without them. */
function isWithoutIndexes(error: unknown): boolean {
  return HoldfastError.is(error, 'objectMissing') && Array.isArray(error.details?.['indexes']);
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
