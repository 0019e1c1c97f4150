import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import type { ActionRun, WorkResult } from '../../daemon/actions/actionQueue.ts';
import type { PolicyRecord } from '../../daemon/catalog/policyStore.ts';
import type { RestorePointRecord } from '../../daemon/catalog/restorePointStore.ts';
import type { BackupJob, BackupResult, BackupStatistics, RunLedger, UploadedObject } from '../../daemon/engine/jobs.ts';
import type { ObjectStore } from '../../daemon/locations/objectStore.ts';
import type { CommandEnd, CommandRequest } from '../../daemon/commands/runCommand.ts';
import { BackupService } from '../../daemon/policies/backupService.ts';
import { OpenRestorePoints } from '../../daemon/policies/openRestorePoints.ts';
import { PolicyService } from '../../daemon/policies/policyService.ts';
import { type GarbageFailure, GarbageService } from '../../daemon/policies/garbage/garbageService.ts';
import { RestorePointService } from '../../daemon/policies/restorePointService.ts';
import { RetentionService } from '../../daemon/policies/retention/retentionService.ts';
import { CatalogRunLedger } from '../../daemon/policies/runLedger.ts';
import { UnfinishedRuns } from '../../daemon/policies/unfinishedRuns.ts';
import type { Entry } from '../../daemon/repository/entry.ts';
import { restorePointIdOf } from '../../daemon/repository/manifest.ts';
import { parseObjectKey } from '../../daemon/repository/names.ts';
import { type ActionId, idOf, type LocationId } from '../../protocol/ids.ts';
import { type Policy, type PolicyCreateParams, usualRunRules, usualSourceRules } from '../../protocol/methods/policies.ts';
import { someAction } from './catalog.ts';
import { FixtureRepository } from './fixtureRepository.ts';
import { newId } from './ids.ts';
import { InstallationBench } from './installationBench.ts';

/** Content of a made-up source by file name; or its entries, which may put chunks of their own. */
export type FakeTree = Readonly<Record<string, string>> | ((fixture: FixtureRepository) => readonly Entry[]);

/** What a made-up engine does at the steps of a run; a step that throws ends it there. */
export interface FakeRun {
  /** One for all sources. */
  readonly tree?: FakeTree;
  readonly hits?: readonly Uint8Array[];
  readonly warnings?: readonly string[];
  /** Nothing of the first source is there. */
  readonly isWithoutFirst?: boolean;
  readonly finished?: string;
  readonly afterPack?: (store: ObjectStore) => Promise<void> | void;
  readonly afterIndex?: (store: ObjectStore) => Promise<void> | void;
  readonly afterManifest?: (store: ObjectStore) => Promise<void> | void;
}

/** The services of the room on a real catalog and a real folder store, with an engine that writes whatever the test says. */
export class PolicyBench implements Disposable {
  readonly base: InstallationBench;
  readonly policies: PolicyService;
  readonly points: RestorePointService;
  readonly open: OpenRestorePoints;
  readonly unfinished: UnfinishedRuns;
  readonly retention: RetentionService;
  readonly garbage: GarbageService;
  readonly garbageFailures: GarbageFailure[] = [];
  readonly jobs: BackupJob[] = [];
  /** What happened, in order: puts, gates, and what the services told. */
  readonly events: string[] = [];
  readonly settled: Readonly<Record<string, unknown>>[] = [];
  readonly busy: Set<string> = new Set();
  /** What commands and hooks end with; one that is not named here ends well. */
  readonly commandEnds: Map<string, Partial<CommandEnd>> = new Map();
  readonly commandsRun: CommandRequest[] = [];
  readonly #backups: BackupService;
  #runs: FakeRun[] = [];

  constructor(base: InstallationBench) {
    this.base = base;
    const { installation } = base;
    const { catalog } = installation;
    const wallClock = (): Date => base.now;
    this.policies = new PolicyService({
      catalog,
      wallClock,
      resolveLocation: (reference) => installation.locations.resolve(reference),
      ownFolders: () => installation.ownFolders,
      isBusy: (policyId) => this.busy.has(policyId),
      nextRunAt: () => null,
      onChanged: () => void this.events.push('policy changed'),
      onForgotten: (policyId) => installation.keys.forgetImported(policyId),
    });
    this.points = new RestorePointService({ catalog, onChanged: () => void this.events.push('restore point changed') });
    this.retention = new RetentionService({
      catalog,
      timeZone: () => 'UTC',
      onRetired: (id) => void this.events.push(`retired ${id}`),
    });
    this.open = new OpenRestorePoints(installation);
    this.unfinished = new UnfinishedRuns({
      installation,
      wallClock,
      onSettled: (facts) => void this.settled.push(facts),
      onAdopted: () => void this.events.push('adopted'),
    });
    this.garbage = new GarbageService({
      installation,
      unfinished: this.unfinished,
      wallClock,
      onChanged: () => void this.events.push('location changed'),
      onFailed: (failure) => void this.garbageFailures.push(failure),
      onCollected: () => void this.events.push('collected'),
    });
    this.#backups = new BackupService({
      installation,
      runBackup: (job) => this.#run(job),
      runCommand: (request) => this.runCommand(request),
      unfinished: this.unfinished,
      writer: 'a test',
      wallClock,
      onCommitted: () => void this.events.push('committed'),
      retire: (policy) => {
        const { error } = this.retention.follow(policy);
        if (error !== undefined) throw error;
      },
      onManifestUnreadable: () => void this.events.push('manifest unreadable'),
    });
  }

  /** Set up, with a location "store" and an empty folder "source". */
  static async ready(): Promise<PolicyBench> {
    const base = await InstallationBench.ready();
    await base.addLocation();
    mkdirSync(base.at('source'));
    return new PolicyBench(base);
  }

  get catalog(): InstallationBench['installation']['catalog'] {
    return this.base.installation.catalog;
  }

  createPolicy(changes: Partial<PolicyCreateParams> = {}): Promise<Policy> {
    return this.policies.create({
      name: 'files',
      sources: [{ kind: 'folder', path: this.base.at('source') }],
      location: 'store',
      ...usualSourceRules,
      ...usualRunRules,
      ...changes,
    });
  }

  /** An action that is under way, and what the queue would hand to its work. */
  startAction(signal: AbortSignal = new AbortController().signal): ActionRun {
    const actionId = newId<ActionId>();
    this.catalog.actions.insert(someAction({ actionId, state: 'running' }), randomUUID());
    return { actionId, signal, report: () => undefined };
  }

  endAction(actionId: string, state: 'complete' | 'failed'): void {
    this.catalog.actions.update(someAction({ actionId, state, finishedAt: this.base.now.toISOString() }));
  }

  async runCommand(request: CommandRequest): Promise<CommandEnd> {
    this.commandsRun.push(request);
    this.events.push(request.command);
    const end = this.commandEnds.get(request.command);
    return { exitStatus: 0, signal: null, bytes: 0, seconds: 0, standardError: '', problem: null, ...end };
  }

  /** One backup; each attempt of it takes the next of `runs`, the last one again and again. */
  async backUp(reference: string, ...runs: readonly FakeRun[]): Promise<WorkResult> {
    this.#runs = [...runs];
    const run = this.startAction();
    try {
      const result = await this.#backups.run(this.policies.resolve(reference), { dryRun: false }, run);
      this.endAction(run.actionId, 'complete');
      return result;
    } catch (error) {
      this.endAction(run.actionId, 'failed');
      throw error;
    }
  }

  dryRun(reference: string): Promise<WorkResult> {
    return this.#backups.run(this.policies.resolve(reference), { dryRun: true }, this.startAction());
  }

  /** The restore point that a backup made. */
  async point(reference: string, ...runs: readonly FakeRun[]): Promise<RestorePointRecord> {
    await this.backUp(reference, ...runs);
    return this.points.resolve(reference);
  }

  /** A run that a dead daemon left: what it put stays pinned, and its action has failed. */
  async leave(reference: string, run: FakeRun): Promise<ActionId> {
    const policy = this.policies.resolve(reference);
    const locationId = locationOf(policy);
    const store = await this.base.open(locationId);
    const actionId = idOf<ActionId>(this.startAction().actionId);
    const { policyId, keyGeneration } = policy;
    const { installation } = this.base;
    const keys = installation.keys.policyKeys(policyId, keyGeneration);
    const { installationId } = keys;
    const ledger = new CatalogRunLedger({
      catalog: this.catalog,
      actionId,
      installationId,
      locationId,
      policyId,
      wallClock: () => this.base.now,
    });
    const head = this.catalog.restorePoints.head(policyId);
    const fixture = new FixtureRepository(
      this.#told(store, ledger, []),
      keys,
      randomUUID(),
      this.catalog.sequences.last(`index/${policyId}`),
    );
    try {
      await write(fixture, run, store, {
        sources: [{ id: newId(), label: this.base.at('source') }],
        changes: {
          sequence: (head?.sequence ?? 0) + 1,
          previous: head?.sha256 ?? null,
          policy: { name: policy.name, description: 'left' },
        },
        gate: async () => undefined,
        finished: run.finished ?? this.base.now.toISOString(),
      });
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
    }
    this.endAction(actionId, 'failed');
    return actionId;
  }

  [Symbol.dispose](): void {
    this.base[Symbol.dispose]();
  }

  async #run(job: BackupJob): Promise<BackupResult> {
    this.jobs.push(job);
    const run = this.#runs.length > 1 ? this.#runs.shift() : this.#runs[0];
    const uploaded: UploadedObject[] = [];
    const fixture = new FixtureRepository(this.#told(job.store, job.ledger, uploaded), job.keys, randomUUID(), job.nextIndexSequence - 1);
    const hits = run?.hits ?? [];
    for (const source of job.sources) {
      if (source.kind === 'command' && job.dryRun !== true) await source.run(() => undefined, job.signal);
    }
    if (hits.length > 0) await job.ledger.hits(hits);
    const written = await write(fixture, run ?? {}, job.store, {
      sources: job.sources,
      changes: {
        sequence: job.sequence,
        previous: job.previous,
        policy: job.policyDefinition,
        live: job.live,
        warnings: [...(run?.warnings ?? [])],
      },
      gate: async () => {
        this.events.push('gate');
        await job.gate({ uploaded, hits, indexes: fixture.indexes });
      },
      finished: run?.finished ?? this.base.now.toISOString(),
    });
    const { key, objectId, sha256, manifest } = written;
    const length = uploaded.at(-1)?.length ?? 0;
    const warnings = run?.warnings ?? [];
    return {
      manifest: {
        restorePointId: restorePointIdOf(objectId),
        key,
        objectId,
        versionId: null,
        sequence: manifest.sequence,
        sha256,
        length,
        started: manifest.claimed.started ?? '',
        finished: manifest.claimed.finished,
      },
      roots: job.sources.slice(run?.isWithoutFirst === true ? 1 : 0).map(({ id }) => ({ sourceId: id, root: new Uint8Array(32) })),
      uploaded,
      indexes: fixture.indexes,
      nextIndexSequence: job.nextIndexSequence + 1,
      statistics,
      skipped: [],
      skippedCount: 0,
      warnings,
      hasWarnings: warnings.length > 0 || run?.isWithoutFirst === true,
      seconds: 1.234_567_89,
    };
  }

  /** The store as the engine uses it: the ledger hears of each object before and after its put. */
  #told(store: ObjectStore, ledger: RunLedger, uploaded: UploadedObject[]): ObjectStore {
    return {
      storeId: store.storeId,
      capabilities: store.capabilities,
      head: (key, options) => store.head(key, options),
      get: (key, options) => store.get(key, options),
      list: (prefix, options) => store.list(prefix, options),
      delete: (key, versionId, options) => store.delete(key, versionId, options),
      put: async (key, body, options) => {
        const name = parseObjectKey(key);
        if (name === undefined || name.type === 'keyring') throw new Error(key);
        const sha256 = createHash('sha256').update(body).digest();
        const object = { key, kind: name.type, objectId: name.objectId, length: body.length, sha256 };
        await ledger.uploading(object);
        const result = await store.put(key, body, options);
        await ledger.uploaded({ ...object, versionId: result.versionId });
        uploaded.push({ ...object, versionId: result.versionId });
        this.events.push(name.type);
        return result;
      },
    };
  }
}

/** Ends a run that `PolicyBench.leave` makes, as a killed daemon does. */
export class Crash extends Error {}

export function crash(): never {
  throw new Crash('the daemon is gone');
}

export function locationOf(policy: PolicyRecord): LocationId {
  if (policy.locationId === null) throw new Error('the policy has no location');
  return policy.locationId;
}

interface ToWrite {
  readonly sources: readonly { readonly id: BackupJob['sources'][number]['id']; readonly label: string }[];
  readonly changes: Parameters<FixtureRepository['manifest']>[1];
  readonly gate: () => Promise<void>;
  readonly finished: string;
}

async function write(
  fixture: FixtureRepository,
  run: FakeRun,
  store: ObjectStore,
  given: ToWrite,
): Promise<Awaited<ReturnType<FixtureRepository['commit']>>> {
  const tree = run.tree ?? { 'a.txt': 'hello' };
  const entries = typeof tree === 'function' ? tree(fixture) : Object.entries(tree).map(([name, text]) => fileEntry(fixture, name, text));
  const sources = given.sources.map(({ id, label }) => ({ ...fixture.source(entries), id, label }));
  await fixture.cutPack();
  await run.afterPack?.(store);
  await fixture.cutIndex();
  await run.afterIndex?.(store);
  await given.gate();
  const { finished } = given;
  const written = await fixture.commit(sources, { ...given.changes, claimed: { started: finished, finished, storeTime: null } });
  await run.afterManifest?.(store);
  await given.gate();
  return written;
}

/** A regular file of this text. */
export function fileEntry(fixture: FixtureRepository, name: string, text: string, changes: Partial<Entry> = {}): Entry {
  const content = Buffer.from(text);
  const data = content.length === 0 ? {} : { content: fixture.ids(content) };
  return {
    name: Buffer.from(name),
    kind: 'file',
    mode: 0o644,
    mtime: 1_700_000_000_000_000_000n,
    size: content.length,
    ...data,
    ...changes,
  };
}

const statistics: BackupStatistics = {
  files: 1,
  folders: 1,
  bytes: 5,
  newFiles: 1,
  changedFiles: 0,
  unchangedFiles: 0,
  readBytes: 5,
  dedupBytes: 0,
  storedBytes: 100,
  addedBytes: 200,
};
