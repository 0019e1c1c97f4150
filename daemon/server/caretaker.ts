import { randomUUID } from 'node:crypto';
import { idOf, type LocationId, type PolicyId, type RestorePointId } from '../../protocol/ids.ts';
import type { AlertBook } from '../alerts/alertBook.ts';
import type { Installation } from '../installation/installation.ts';
import { BackupAlerts } from '../policies/alerting/backupAlerts.ts';
import { LocationWatch } from '../policies/alerting/locationWatch.ts';
import { RowAlerts } from '../policies/alerting/rowAlerts.ts';
import type { PolicyRecord } from '../catalog/policyStore.ts';
import type { BackupRuns, EndedRun } from '../policies/backupRuns.ts';
import type { FollowedRetention } from '../policies/retention/retentionService.ts';
import { Scheduler, type SchedulerClock } from '../policies/schedules/scheduler.ts';
import type { Logger } from './logger.ts';
import { thrownFact } from './redaction.ts';

export interface CaretakerOptions {
  readonly installation: Installation;
  readonly alerts: AlertBook;
  readonly runs: BackupRuns;
  readonly clock: SchedulerClock;
  readonly log: Logger;
}

const failedProofsForgottenMs = 24 * 3_600_000;

/** What the daemon does and notices by itself: runs that are due, and alerts. What goes wrong in here is logged and never in the way of who called. */
export class Caretaker implements Disposable {
  readonly #options: CaretakerOptions;
  readonly #backupAlerts: BackupAlerts;
  readonly #rowAlerts: RowAlerts;
  readonly #locationWatch: LocationWatch;
  readonly #scheduler: Scheduler;
  #failedProofAt: number;

  constructor(options: CaretakerOptions) {
    const { installation, alerts, runs, clock, log } = options;
    const { catalog } = installation;
    this.#options = options;
    this.#failedProofAt = clock.now();
    this.#backupAlerts = new BackupAlerts({ alerts, catalog });
    this.#rowAlerts = new RowAlerts({ alerts, catalog, wallClock: clock.wall });
    this.#locationWatch = new LocationWatch({
      alerts,
      locations: () => catalog.locations.list(),
      open: (locationId) => installation.locations.open(locationId),
      now: clock.now,
      onBack: (locationId) => {
        log.info('A location that was away is back.', { locationId });
        this.#scheduler.locationIsBack(locationId);
      },
      onFailed: ({ locationId, error }) => log.warn('A location could not be looked at.', { locationId, error: thrownFact(error) }),
    });
    this.#scheduler = new Scheduler({
      catalog,
      clock,
      isUnlocked: () => installation.state === 'unlocked',
      isBusy: (policyId) => runs.isBusy(policyId),
      start: (policy) => runs.start(policy, { dryRun: false }, { requestId: randomUUID(), startedBy: 'schedule' }),
      overdueBefore: () => alerts.raised('policyOverdue').map(({ subjectId }) => subjectId),
      onOverdue: (overdue) => this.#backupAlerts.overdue(overdue),
      onLook: () => this.#look(),
      onFailed: ({ policyId, error }) => log.error('The schedule of policies failed.', { policyId, error: thrownFact(error) }),
    });
  }

  start(): void {
    this.#safely(() => this.#rowAlerts.all());
    this.#scheduler.start();
  }

  /** A row of the catalog is not what it was. */
  rowChanged(table: string, id: string): void {
    this.#safely(() => {
      switch (table) {
        case 'policies':
          this.#rowAlerts.policyChanged(idOf<PolicyId>(id));
          this.#scheduler.changed();
          return;
        case 'locations':
          this.#rowAlerts.locationChanged(idOf<LocationId>(id));
          this.#locationWatch.look({ isHopeful: true });
          return;
        case 'restorePoints':
          this.#restorePointChanged(idOf<RestorePointId>(id));
          return;
        default:
          return;
      }
    });
  }

  /** Locked or unlocked. */
  stateChanged(): void {
    if (this.#options.installation.state === 'unlocked') this.#scheduler.unlocked();
    else this.#scheduler.changed();
  }

  backupEnded(run: EndedRun): void {
    this.#safely(() => this.#backupAlerts.ended(run));
    this.#scheduler.ended(run);
  }

  /** Retention behind a run of a policy has done what it could. */
  retentionFollowed({ policyId, name }: PolicyRecord, { error }: Pick<FollowedRetention, 'error'>): void {
    const { alerts, log } = this.#options;
    if (error !== undefined) log.error('Retention of a policy failed.', { policyId, error: thrownFact(error) });
    this.#safely(() => {
      if (error === undefined) alerts.resolve('retentionFailed', policyId);
      else {
        alerts.raise({
          kind: 'retentionFailed',
          subjectId: policyId,
          subject: name,
          severity: 'warning',
          message: `Restore points of ${name} that its retention does not keep could not be retired.`,
          fix: 'Read "holdfast log" for why; the next run tries again.',
          detail: error.message,
          policyId,
        });
      }
    });
  }

  /** Somebody without the proof key spoke the daemon's protocol. */
  failedProof(): void {
    this.#failedProofAt = this.#options.clock.now();
    this.#safely(() =>
      this.#options.alerts.raise({
        kind: 'failedProofs',
        subjectId: 'proofs',
        subject: 'the daemon',
        severity: 'warning',
        message: "A program that does not know the daemon's key tried to talk to it.",
        fix: 'Read "holdfast log" for when and how often; another program of this user does it.',
      }),
    );
  }

  nextRunAt(policyId: PolicyId): string | null {
    return this.#scheduler.nextRunAt(policyId);
  }

  /** For `lock` and the daemon's end: the runs that `work` cancels are made up for. */
  interrupt(work: () => Promise<void>): Promise<void> {
    return this.#scheduler.interrupt(work);
  }

  [Symbol.dispose](): void {
    this.#scheduler[Symbol.dispose]();
  }

  #restorePointChanged(id: RestorePointId): void {
    this.#rowAlerts.restorePointChanged(id);
    const policyId = this.#options.installation.catalog.restorePoints.get(id)?.policyId;
    if (policyId !== undefined) this.#scheduler.pointsChanged(policyId);
  }

  #look(): void {
    const { alerts, clock } = this.#options;
    alerts.refresh();
    this.#rowAlerts.clock();
    this.#locationWatch.look();
    if (clock.now() - this.#failedProofAt > failedProofsForgottenMs) alerts.resolve('failedProofs', 'proofs');
  }

  #safely(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#options.log.error('An alert could not be written.', { error: thrownFact(error) });
    }
  }
}

/** The machine's own clocks and timers. */
export function machineClock(wallClock: () => Date): SchedulerClock {
  return {
    wall: wallClock,
    now: () => performance.now(),
    after: (milliseconds, callback) => {
      const timer = setTimeout(callback, milliseconds).unref();
      return () => clearTimeout(timer);
    },
  };
}
