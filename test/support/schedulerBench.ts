import { AlertBook } from '../../daemon/alerts/alertBook.ts';
import { createSecretKey, randomBytes } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { Catalog } from '../../daemon/catalog/catalog.ts';
import { migrate } from '../../daemon/catalog/migrate.ts';
import { migrations } from '../../daemon/catalog/schema.ts';
import type { PolicyRecord } from '../../daemon/catalog/policyStore.ts';
import { BackupAlerts } from '../../daemon/policies/alerting/backupAlerts.ts';
import type { EndedRun } from '../../daemon/policies/backupRuns.ts';
import { Scheduler } from '../../daemon/policies/schedules/scheduler.ts';
import type { PolicyId } from '../../protocol/ids.ts';
import type { Action, ActionState, ActionWithResult } from '../../protocol/methods/actions.ts';
import type { ErrorCode } from '../../protocol/errors.ts';
import { usualRunRules, usualSourceRules } from '../../protocol/methods/policies.ts';
import { someAction, someLocation, somePoint, somePolicy } from './catalog.ts';
import { CatalogSeal } from '../../daemon/keys/catalogSeal.ts';
import { newId } from './ids.ts';
import { VirtualClock } from './virtualClock.ts';

export interface Run {
  readonly policy: string;
  /** UTC, to the minute. */
  readonly at: string;
  readonly wallMs: number;
}

function catalogInMemory(): Catalog {
  const database = new DatabaseSync(':memory:', { enableForeignKeyConstraints: true });
  migrate(database, migrations);
  return new Catalog(database);
}

/** A catalog, a clock and a scheduler; runs are played. */
export class SchedulerBench implements Disposable {
  readonly clock: VirtualClock;
  readonly runs: Run[] = [];
  readonly failures: unknown[] = [];
  readonly alerts: AlertBook;
  readonly catalog: Catalog;
  scheduler: Scheduler;
  isUnlocked = true;
  /** How long a run takes. */
  runMs = 60_000;
  /** What runs of a policy end with; `complete` where nothing is said. */
  readonly ends: Map<string, ErrorCode | 'cancelled'> = new Map();
  readonly #seal = new CatalogSeal(createSecretKey(randomBytes(32)), newId());
  readonly #locationId = newId<ReturnType<typeof someLocation>['locationId']>();
  readonly #busy = new Map<PolicyId, ActionWithResult>();
  readonly #backupAlerts: BackupAlerts;
  #sequence = 0;

  constructor(start: string) {
    this.clock = new VirtualClock(start);
    this.catalog = catalogInMemory();
    this.catalog.useSeal(this.#seal);
    this.catalog.locations.add(someLocation({ locationId: this.#locationId }));
    const { wall, now } = this.clock;
    this.alerts = new AlertBook({ store: this.catalog.alerts, wallClock: wall, now, onChanged: () => undefined });
    this.#backupAlerts = new BackupAlerts({ alerts: this.alerts, catalog: this.catalog });
    this.scheduler = this.#newScheduler();
    this.scheduler.start();
  }

  get locationId(): ReturnType<typeof someLocation>['locationId'] {
    return this.#locationId;
  }

  policy(name: string, schedule: string | null, changes: Partial<PolicyRecord> = {}): PolicyRecord {
    const definition = { ...usualSourceRules, ...usualRunRules, schedule, sources: [] };
    const policy = somePolicy(this.#locationId, { name, definition, createdAt: this.clock.wall().toISOString(), ...changes });
    this.catalog.policies.add(policy);
    this.scheduler.changed();
    this.clock.pass(0);
    return policy;
  }

  reschedule(policy: PolicyRecord, schedule: string | null): void {
    this.catalog.policies.change(policy.policyId, {
      definition: { ...usualSourceRules, ...usualRunRules, schedule, sources: [] },
    });
    this.changed();
  }

  setPaused(policy: PolicyRecord, paused: boolean): void {
    this.catalog.policies.change(policy.policyId, { paused });
    this.changed();
  }

  changed(): void {
    this.scheduler.changed();
    this.clock.pass(0);
  }

  lock(): void {
    this.isUnlocked = false;
    this.catalog.useSeal(undefined);
    this.changed();
  }

  unlock(): void {
    this.isUnlocked = true;
    this.catalog.useSeal(this.#seal);
    this.scheduler.unlocked();
    this.clock.pass(0);
  }

  /** The daemon dies, and another one starts. */
  restart(down: number): void {
    this.stop();
    this.clock.sleep(down);
    this.clock.monoMs = 5000;
    this.scheduler = this.#newScheduler();
    this.scheduler.start();
    this.clock.pass(0);
  }

  stop(): void {
    this.scheduler[Symbol.dispose]();
    this.clock.end();
    this.#busy.clear();
  }

  /** A run that a user asked for. */
  byHand(policy: PolicyRecord): void {
    this.#start(policy, 'user');
  }

  /** The times of a policy's runs since, UTC to the minute. */
  timesOf(name: string): readonly string[] {
    return this.runs.filter(({ policy }) => policy === name).map(({ at }) => at);
  }

  overdue(): readonly string[] {
    return this.alerts
      .raised('policyOverdue')
      .map(({ subject }) => subject)
      .toSorted((a, b) => a.localeCompare(b));
  }

  /** Ends what runs, as `lock` does. */
  async cancelAll(): Promise<void> {
    await this.scheduler.interrupt(async () => {
      for (const [policyId, action] of this.#busy) this.#end(this.#known(policyId), action, 'cancelled');
    });
  }

  [Symbol.dispose](): void {
    this.stop();
    this.catalog.close();
  }

  #newScheduler(): Scheduler {
    return new Scheduler({
      catalog: this.catalog,
      clock: this.clock,
      isUnlocked: () => this.isUnlocked,
      isBusy: (policyId) => this.#busy.has(policyId),
      start: (policy) => this.#start(policy, 'schedule'),
      overdueBefore: () => this.alerts.raised('policyOverdue').map(({ subjectId }) => subjectId),
      onOverdue: (overdue) => this.#backupAlerts.overdue(overdue),
      onLook: () => undefined,
      onFailed: ({ error }) => void this.failures.push(error),
    });
  }

  #start(policy: PolicyRecord, startedBy: Action['startedBy']): void {
    if (this.#busy.has(policy.policyId)) throw new Error(`two runs of ${policy.name} at a time`);
    const now = this.clock.wall().toISOString();
    const action = someAction({ subject: policy.name, startedBy, queuedAt: now, startedAt: now });
    this.#busy.set(policy.policyId, action);
    this.runs.push({ policy: policy.name, at: now.slice(0, 16), wallMs: this.clock.wallMs });
    this.clock.after(this.runMs, () => {
      const end = this.ends.get(policy.name);
      if (this.#busy.get(policy.policyId) !== action) return;
      // A daemon that was locked meanwhile has cancelled it.
      if (!this.isUnlocked) this.#end(policy, action, 'failed', 'locked');
      else this.#end(policy, action, end === undefined ? 'complete' : end === 'cancelled' ? 'cancelled' : 'failed', end);
    });
  }

  #end(policy: PolicyRecord, action: ActionWithResult, state: ActionState, code?: string): void {
    this.#busy.delete(policy.policyId);
    const now = this.clock.wall().toISOString();
    if (state === 'complete') {
      this.#sequence += 1;
      this.catalog.restorePoints.add(somePoint(policy.policyId, this.#sequence, { startedAt: action.startedAt ?? now, finishedAt: now }));
    }
    const error =
      state === 'complete' ? null : { code: code ?? 'cancelled', message: 'Failed to read /home/user/secret.', fix: null, details: null };
    const run: EndedRun = { policy, action: { ...action, state, finishedAt: now, error }, isDryRun: false };
    this.#backupAlerts.ended(run);
    this.scheduler.ended(run);
  }

  #known(policyId: PolicyId): PolicyRecord {
    const policy = this.catalog.policies.get(policyId);
    if (policy === undefined) throw new Error('no such policy');
    return policy;
  }
}
