import { HoldfastError } from '../../protocol/errors.ts';
import type { LocationId } from '../../protocol/ids.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { LocationRecord } from '../catalog/locationStore.ts';
import type { OpenLocation } from '../installation/locationStores.ts';
import { type ClockReading, hasSlept } from '../locks/localClocks.ts';
import { type LockTerms, lockPlan } from '../locks/lockPlan.ts';
import { afterEvent, initialRunState, type LockRunEvent, type LockRunState, nextRun, retryDelay } from '../locks/lockRunState.ts';
import type { ClockSkew, StoreClock } from '../locks/storeClock.ts';
import { runStateOf, runStateText } from '../locks/storedRunState.ts';
import { KeptObjects } from './keptObjects.ts';
import { knowMarker } from './knownMarker.ts';
import { keepLocked, type LockRunProgress, type LockRunResult } from './lockRun.ts';

export interface LockMonitorOptions {
  readonly catalog: Catalog;
  readonly clocks: () => ClockReading;
  /** Calls back once, and does not keep the process alive; what it gives calls that off. */
  readonly after: (milliseconds: number, callback: () => void) => () => void;
  readonly open: (locationId: LocationId, signal: AbortSignal) => Promise<OpenLocation>;
  /** Whether it can be reached at the moment: not where its credentials are sealed and the daemon is locked. */
  readonly isReachable: (location: LocationRecord) => boolean;
  readonly termsOf: (location: LocationRecord) => LockTerms | undefined;
  /** A run ended: of an error, where the store could not be reached or something was refused. */
  readonly onEnded: (ended: EndedLockRun) => void;
  /** Every minute, and after each change: what else has to be seen to. */
  readonly onLook: () => void;
  readonly onFailed: (error: unknown) => void;
}

export interface EndedLockRun {
  readonly location: LocationRecord;
  readonly result: LockRunResult | undefined;
  readonly error: HoldfastError | undefined;
}

interface ActiveRun {
  readonly abort: AbortController;
  readonly ended: Promise<EndedLockRun>;
  readonly listeners: Set<(progress: LockRunProgress) => void>;
}

/** Timers stand still while the machine sleeps, so no timer is set further ahead than this. */
const lookMs = 60_000;
/**
 * Between two runs that nobody asked for. The interval is never shorter; but where the store's clock was set back, the bounds of its time may be further apart
 * than the interval, and each run would be due as soon as the last one has ended.
 */
const restMs = 15 * 60_000;

/**
 * Keeps locks long enough at every immutable location, locked or not (docs/format.md, Locks). One run of a location at a time. All that it has to remember lies
 * in the catalog, so a daemon that was killed goes on where it was.
 */
export class LockMonitor implements AsyncDisposable {
  readonly #options: LockMonitorOptions;
  readonly #active: Map<LocationId, ActiveRun> = new Map();
  /** By monotonic time: the store's is not to be had while it is away. */
  readonly #notBefore: Map<LocationId, number> = new Map();
  /** In a row, whether the store was reached or not. */
  readonly #failures: Map<LocationId, number> = new Map();
  /** Of the last opening: they know by how much this machine's clock is wrong. */
  readonly #storeClocks: Map<LocationId, StoreClock> = new Map();
  #seen: ClockReading;
  #cancelTimer: (() => void) | undefined;
  #isClosed = false;

  constructor(options: LockMonitorOptions) {
    this.#options = options;
    this.#seen = options.clocks();
  }

  start(): void {
    for (const location of this.#locations()) this.#apply(location, { type: 'daemonStarted' });
    this.look();
  }

  /** Starts what is due. Also called when something has happened that may have made something due. */
  look(): void {
    if (this.#isClosed) return;
    this.#cancelTimer?.();
    this.#cancelTimer = this.#options.after(lookMs, () => this.look());
    try {
      const now = this.#options.clocks();
      const slept = hasSlept(this.#seen, now);
      this.#seen = now;
      for (const location of this.#locations()) {
        if (slept) {
          this.#notBefore.delete(location.locationId);
          this.#apply(location, { type: 'woke' });
        }
        this.#lookAt(location, now);
      }
      this.#options.onLook();
    } catch (error) {
      this.#options.onFailed(error);
    }
  }

  /** A location may be back, or reachable again: it is not waited for any longer. */
  hope(locationId: LocationId): void {
    this.#notBefore.delete(locationId);
    this.look();
  }

  /** Something is known to be short: a run is due at once. */
  want(location: LocationRecord): void {
    this.#safely(() => this.#apply(location, { type: 'woke' }));
    this.hope(location.locationId);
  }

  /** One run now, or the one that is under way. Rejects with `cancelled` when the signal comes; the run then goes on. */
  async refresh(
    location: LocationRecord,
    options: { readonly signal: AbortSignal; readonly onProgress: (progress: LockRunProgress) => void },
  ): Promise<EndedLockRun> {
    const { signal, onProgress } = options;
    const active = this.#active.get(location.locationId) ?? this.#run(location);
    const { promise, reject } = Promise.withResolvers<never>();
    const onAbort = (): void => reject(HoldfastError.failedTo('cancelled', 'refresh locks', 'it was cancelled'));
    active.listeners.add(onProgress);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      if (signal.aborted) onAbort();
      return await Promise.race([active.ended, promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
      active.listeners.delete(onProgress);
    }
  }

  /** How far it has come at a location; the period that is set may be another one for a moment. */
  stateOf(location: LocationRecord): LockRunState | undefined {
    const terms = this.#options.termsOf(location);
    if (terms === undefined) return undefined;
    const { catalog, onFailed } = this.#options;
    const text = catalog.lockRuns.get(location.locationId);
    if (text === undefined) return initialRunState(terms);
    try {
      return runStateOf(text);
    } catch (error) {
      // What nobody can read promises nothing: everything is looked at anew, and the next event writes it whole.
      onFailed(error);
      return initialRunState(terms);
    }
  }

  /** The store's time as well as it is known without asking; this machine's where it is not. Decides about no lock. */
  now(locationId: LocationId): Date {
    return this.#storeClocks.get(locationId)?.estimate() ?? new Date(this.#options.clocks().wall);
  }

  /** `undefined` where the store was not asked yet. */
  skewOf(locationId: LocationId): ClockSkew | undefined {
    return this.#storeClocks.get(locationId)?.skew ?? undefined;
  }

  isRunning(locationId: LocationId): boolean {
    return this.#active.has(locationId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer?.();
    for (const { abort } of this.#active.values()) abort.abort();
    await Promise.all([...this.#active.values()].map(({ ended }) => ended));
  }

  #locations(): readonly LocationRecord[] {
    return this.#options.catalog.locations.list().filter((location) => this.#options.termsOf(location) !== undefined);
  }

  #lookAt(location: LocationRecord, now: ClockReading): void {
    const { locationId } = location;
    const terms = this.#options.termsOf(location);
    const state = this.stateOf(location);
    if (state === undefined || terms === undefined) return;
    const { aim } = state;
    if (aim.protectionPeriod !== terms.protectionPeriod || aim.longestAbsence !== terms.longestAbsence) {
      this.#apply(location, { type: 'termsChanged', at: this.now(locationId), terms });
      this.#notBefore.delete(locationId);
      this.#active.get(locationId)?.abort.abort();
    }
    if (this.#active.has(locationId) || now.monotonic < (this.#notBefore.get(locationId) ?? 0) || !this.#options.isReachable(location))
      return;
    const time = this.now(locationId);
    const due = nextRun(this.stateOf(location) ?? state, time);
    if (due !== null && due <= time) this.#run(location);
  }

  #run(location: LocationRecord): ActiveRun {
    const { locationId } = location;
    const abort = new AbortController();
    const { promise, resolve } = Promise.withResolvers<EndedLockRun>();
    const active: ActiveRun = { abort, ended: promise, listeners: new Set() };
    this.#active.set(locationId, active);
    void this.#finish(location, active, resolve);
    return active;
  }

  async #finish(location: LocationRecord, active: ActiveRun, resolve: (ended: EndedLockRun) => void): Promise<void> {
    const ended = await this.#work(location, active);
    this.#active.delete(location.locationId);
    this.#safely(() => this.#options.onEnded(ended));
    resolve(ended);
    this.look();
  }

  async #work(location: LocationRecord, active: ActiveRun): Promise<EndedLockRun> {
    const { catalog, open } = this.#options;
    const { locationId } = location;
    const { signal } = active.abort;
    try {
      const { store, locks } = await open(locationId, signal);
      if (locks === undefined)
        throw new HoldfastError('refusedByRule', `Failed to refresh the locks of ${location.name}: it is not immutable.`);
      this.#storeClocks.set(locationId, locks.clock);
      const { earliest } = await locks.clock.refresh({ signal });
      this.#apply(location, { type: 'runStarted', at: earliest });
      const state = this.stateOf(location);
      if (state === undefined) throw new HoldfastError('cancelled', 'Failed to refresh locks: the location was removed.');
      await knowMarker({ catalog, location, store, now: new Date(this.#options.clocks().wall), signal });
      const result = await keepLocked({
        catalog,
        store,
        locationId,
        kept: new KeptObjects(catalog, location),
        keeper: locks.keeper,
        plan: lockPlan(state.aim),
        signal,
        onProgress: (progress) => {
          for (const listener of active.listeners) listener(progress);
        },
      });
      const { latest } = await locks.clock.now({ signal });
      const [refused] = result.refused;
      if (refused === undefined) {
        this.#notBefore.set(locationId, this.#options.clocks().monotonic + restMs);
        this.#failures.delete(locationId);
        this.#apply(location, { type: 'runCompleted', at: latest });
        return { location, result, error: undefined };
      }
      this.#failed(location, latest);
      return { location, result, error: refused.error };
    } catch (error) {
      const failure = HoldfastError.is(error)
        ? error
        : HoldfastError.failedTo('failed', `refresh the locks of ${location.name}`, 'something went wrong that was not foreseen', {
            cause: error,
          });
      if (signal.aborted) this.#safely(() => this.#apply(location, { type: 'runInterrupted' }));
      else this.#failed(location, this.now(locationId));
      return { location, result: undefined, error: failure };
    }
  }

  /** Waits a little longer each time. */
  #failed(location: LocationRecord, at: Date): void {
    const { locationId } = location;
    const failures = (this.#failures.get(locationId) ?? 0) + 1;
    this.#failures.set(locationId, failures);
    this.#notBefore.set(locationId, this.#options.clocks().monotonic + retryDelay(failures));
    this.#safely(() => this.#apply(location, { type: 'runFailed', at }));
  }

  #apply({ locationId }: Pick<LocationRecord, 'locationId'>, event: LockRunEvent): void {
    const { catalog } = this.#options;
    const record = catalog.locations.get(locationId);
    const state = record === undefined ? undefined : this.stateOf(record);
    // It may have been removed while a run was under way.
    if (state === undefined) return;
    const after = afterEvent(state, event);
    if (after !== state) catalog.lockRuns.set(locationId, runStateText(after));
  }

  #safely(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#options.onFailed(error);
    }
  }
}
