import { randomUUID } from 'node:crypto';
import { HoldfastError } from '../../protocol/errors.ts';
import type { LocationId, RestorePointId, StoreId } from '../../protocol/ids.ts';
import type { Action } from '../../protocol/methods/actions.ts';
import type { ActionQueue } from '../actions/actionQueue.ts';
import type { AlertBook } from '../alerts/alertBook.ts';
import type { LocationRecord } from '../catalog/locationStore.ts';
import type { Installation } from '../installation/installation.ts';
import { specOf } from '../installation/locationStores.ts';
import { isRefuted, lockProofOf } from '../installation/lockProofRecord.ts';
import { driftOf } from '../locations/bucketDrift.ts';
import { readBucketState } from '../locations/bucketState.ts';
import { validatedFactsOf } from '../locations/validatedFacts.ts';
import type { ClockReading } from '../locks/localClocks.ts';
import { lockTerms } from '../locks/lockPlan.ts';
import { ImmutabilityAlerts } from './immutabilityAlerts.ts';
import { ImmutabilityService } from './immutabilityService.ts';
import { LockFigures } from './lockFigures.ts';
import { type EndedLockRun, LockMonitor, type LockMonitorOptions } from './lockMonitor.ts';
import { isDue } from './lockProof.ts';
import { ReachSurveys } from './reachSurveys.ts';

export interface ImmutabilityOptions {
  readonly installation: Installation;
  readonly alerts: AlertBook;
  readonly queue: ActionQueue;
  readonly clocks: () => ClockReading;
  readonly wallClock: () => Date;
  readonly after: LockMonitorOptions['after'];
  readonly onChanged: (locationId: LocationId) => void;
  readonly onFailed: (error: unknown) => void;
}

type WorkKind = 'refreshLocks' | 'auditLocks' | 'proveLock';

interface WorkRequest {
  readonly requestId: string;
  readonly startedBy: Action['startedBy'];
}

const dayMs = 86_400_000;

/** All about locks while the daemon lives: the monitor, and by itself a daily audit and a weekly proof of each immutable location while unlocked. */
export class Immutability implements AsyncDisposable {
  readonly service: ImmutabilityService;
  readonly figures: LockFigures;
  readonly #options: ImmutabilityOptions;
  readonly #monitor: LockMonitor;
  readonly #alerts: ImmutabilityAlerts;
  readonly #abort = new AbortController();
  readonly #surveys: ReachSurveys;

  constructor(options: ImmutabilityOptions) {
    const { installation, alerts, clocks, after, wallClock, onFailed, onChanged } = options;
    const { catalog, stores } = installation;
    this.#options = options;
    this.figures = new LockFigures(catalog);
    const isReachable = (location: LocationRecord): boolean => this.#isReachable(location);
    this.#monitor = new LockMonitor({
      catalog,
      clocks,
      after,
      open: (locationId, signal) => stores.open(locationId, signal),
      isReachable,
      termsOf: ({ protectionPeriodDays }) =>
        protectionPeriodDays === null
          ? undefined
          : lockTerms({ protectionPeriodDays, longestAbsenceDays: installation.longestAbsence.days }),
      onEnded: (ended) => this.#ended(ended),
      onLook: () => this.#look(),
      onFailed,
    });
    this.service = new ImmutabilityService({
      installation,
      monitor: this.#monitor,
      figures: this.figures,
      wallClock,
      now: () => clocks().monotonic,
      onAudited: (location, result) => {
        this.figures.changed(location.locationId);
        this.#alerts.audited(location, result);
        // Locks that were shortened, where a store let that happen, are made long again now.
        if (result.newFindings > 0) this.#monitor.want(location);
        onChanged(location.locationId);
      },
      onProved: ({ locationId }) => {
        // The verdict is told beside what the bucket is set to: a proof cures no drift.
        void this.#lookForDrift(locationId);
        onChanged(locationId);
      },
    });
    this.#surveys = new ReachSurveys({
      installation,
      now: () => clocks().monotonic,
      wallClock,
      onKnown: (locationId) => {
        this.figures.changed(locationId);
        onChanged(locationId);
      },
      onFailed,
    });
    this.#alerts = new ImmutabilityAlerts({
      alerts,
      catalog,
      monitor: this.#monitor,
      figures: this.figures,
      isReachable,
      safeUntil: (location) => this.service.safeUntil(location),
    });
  }

  start(): void {
    this.#monitor.start();
  }

  /** A location was added, changed or removed, or may be there again. */
  locationChanged(locationId: LocationId): void {
    this.figures.changed(locationId);
    this.#monitor.hope(locationId);
    // It may have been validated anew, and what was told of it may be cured.
    void this.#lookForDrift(locationId);
  }

  /** Restore points came, went or were retired: what is kept is not what it was. */
  pointsChanged(): void {
    for (const { locationId } of this.#options.installation.catalog.locations.list()) this.figures.changed(locationId);
  }

  /** Locked or unlocked. */
  stateChanged(): void {
    this.#surveys.stateChanged();
    for (const { locationId } of this.#options.installation.catalog.locations.list()) this.#monitor.hope(locationId);
  }

  /** Until when nothing of the installation is lost if the daemon never ran again; `null` where nothing was promised. */
  get safeUntil(): string | null {
    return this.service.status().safeUntil;
  }

  /** Until when everything that a restore point reaches is locked, RFC 3339; `null` where it is not, nobody knows, or the proof has shown that locks do not hold. */
  protectedUntil({ id, storeId }: { readonly id: RestorePointId; readonly storeId: StoreId }): string | null {
    const [location] = this.#options.installation.catalog.locations.byStore(storeId);
    if (location === undefined || location.lockMode === null || isRefuted(location)) return null;
    return this.figures.protectedUntil(location, id)?.toISOString() ?? null;
  }

  /** Puts work into the queue. `reference` left out: all immutable locations. Throws `unknownName`, `refusedByRule`. */
  startWork(kind: WorkKind, reference: string | undefined, request: WorkRequest): Action {
    const { queue } = this.#options;
    const { service } = this;
    const locations = service.locations(reference);
    const [only, second] = locations;
    if (only === undefined) {
      throw new HoldfastError('refusedByRule', 'Failed to look at locks: no location is immutable.', {
        fix: 'Add one: "holdfast location add s3 NAME --bucket B --region R --protection-period DAYS".',
      });
    }
    return queue.submit({
      kind,
      subject: locations.map(({ name }) => name).join(', '),
      ...(second === undefined ? { subjectId: only.locationId } : {}),
      ...request,
      lanes: locations.map(({ locationId }) => `${kind}:${locationId}`),
      work: (run) => {
        if (kind === 'refreshLocks') return service.refresh(locations, run);
        return kind === 'auditLocks' ? service.audit(locations, run) : service.prove(only, run);
      },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#surveys[Symbol.asyncDispose]();
    await this.#monitor[Symbol.asyncDispose]();
  }

  #ended(ended: EndedLockRun): void {
    const { locationId } = ended.location;
    this.figures.changed(locationId);
    this.#alerts.ended(ended);
    this.#options.onChanged(locationId);
    if (ended.error === undefined || hasAnswered(ended.error)) void this.#lookForDrift(locationId);
  }

  #isReachable(location: LocationRecord): boolean {
    const { installation } = this.#options;
    return installation.state === 'unlocked' || installation.stores.isReachableLocked(location);
  }

  /** Compares the bucket with what was validated, and tells what is different. That a store is away, the monitor tells. */
  async #lookForDrift(locationId: LocationId): Promise<void> {
    const { installation, onFailed } = this.#options;
    const location = installation.catalog.locations.get(locationId);
    if (location === undefined || location.lockMode === null || !this.#isReachable(location)) return;
    try {
      const spec = specOf(location);
      if (spec.kind !== 's3') return;
      const { facts } = await installation.stores.connection(location, spec);
      const state = await readBucketState(facts, spec.prefix ?? '', { signal: this.#abort.signal });
      const record = installation.catalog.locations.get(locationId);
      if (record === undefined) return;
      this.#alerts.drifted(record, record.validated === null ? [] : driftOf(validatedFactsOf(record.validated), state));
    } catch (error) {
      if (!this.#abort.signal.aborted && !HoldfastError.is(error, 'storeUnreachable')) onFailed(error);
    }
  }

  /** Every minute. */
  #look(): void {
    const { installation, queue } = this.#options;
    this.#alerts.look();
    if (installation.state !== 'unlocked' || queue.unfinished > 0) return;
    const [due] = this.service.locations().flatMap((location) => {
      const kind = this.#dueWork(location);
      return kind === undefined ? [] : [{ kind, location }];
    });
    if (due !== undefined) this.startWork(due.kind, due.location.locationId, { requestId: randomUUID(), startedBy: 'schedule' });
    for (const location of this.service.locations()) this.#surveys.look(location);
  }

  #dueWork(location: LocationRecord): WorkKind | undefined {
    const { installation, wallClock } = this.#options;
    const now = wallClock();
    const { locationId, createdAt, auditedAt } = location;
    const { actions } = installation.catalog;
    // What lies in the future was dated by a clock that was wrong.
    const elapsed = (kind: WorkKind, others: readonly (string | null)[]): number => {
      const dates = [actions.lastFinished(kind, locationId)?.finishedAt ?? null, ...others].filter((date) => date !== null);
      return Math.min(...dates.map((date) => now.getTime() - Date.parse(date)).filter((since) => since >= 0));
    };
    const proof = lockProofOf(location);
    // One that came to nothing is not made again before tomorrow.
    if (isDue(proof === null ? null : new Date(proof.at), now) && elapsed('proveLock', []) > dayMs) return 'proveLock';
    return elapsed('auditLocks', [createdAt, auditedAt]) > dayMs ? 'auditLocks' : undefined;
  }
}

/** The store was reached: what it refused may be told by what the bucket is set to now, or by there being none. */
function hasAnswered({ code, details }: HoldfastError): boolean {
  if (code === 'storeRefused' || code === 'lockRefused') return true;
  const status = details?.['status'];
  return code === 'storeUnreachable' && typeof status === 'number' && status >= 400;
}
