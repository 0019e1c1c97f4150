import { randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { PolicyId } from '../../../protocol/ids.ts';
import type { Action } from '../../../protocol/methods/actions.ts';
import type { CoverageProblem, RecoveryStatus } from '../../../protocol/methods/disasterRecovery.ts';
import { usualRecoverySchedule } from '../../../protocol/methods/disasterRecovery.ts';
import { passphraseProblem } from '../../../protocol/passphraseRule.ts';
import type { ActionQueue } from '../../actions/actionQueue.ts';
import type { AlertBook } from '../../alerts/alertBook.ts';
import type { LocationRecord } from '../../catalog/locationStore.ts';
import type { PolicyRecord } from '../../catalog/policyStore.ts';
import type { RecoveryRecord } from '../../catalog/recoveryStore.ts';
import type { Installation } from '../../installation/installation.ts';
import { sealedRecoveryKeys } from '../../installation/recoveryKeys.ts';
import { readableSlot } from '../../installation/slotOf.ts';
import { DrKey } from '../../keys/dr/drKey.ts';
import { DrPassphrase } from '../../keys/dr/drPassphrase.ts';
import { slotOpenedBy } from '../../keys/dr/samePassphrase.ts';
import type { ScryptRunner } from '../../keys/scryptRunner.ts';
import { hexOf } from '../../repository/bytes.ts';
import { bytesPerMonth, shownBundle } from './bundleFigures.ts';
import { recoveryIsOff, runBundle } from './bundleRun.ts';
import { type CopyMaker, removeBundleScratch } from './bundleScratch.ts';
import { settleBundles } from './putBundle.ts';
import { betweenBackupsMs, coverageProblems, type CoveredPolicy } from './recoveryCoverage.ts';
import { sweepBundles } from './sweepBundles.ts';

/** A schedule as policies have it; times are milliseconds since 1970. */
export interface RecoverySchedule {
  next(after: number): number | undefined;
  longestGap(around: number): number;
}

export interface RecoverySchedules {
  /** The form in which one is stored. Throws `badValue`. */
  readonly normal: (typed: string, now: number) => string;
  /** `id`: whose it is. Throws `badValue` on one of a newer program. */
  readonly of: (text: string, id: string) => RecoverySchedule;
}

export interface DisasterRecoveryOptions {
  readonly installation: Installation;
  readonly copier: CopyMaker;
  readonly queue: ActionQueue;
  readonly alerts: AlertBook;
  readonly scrypt: ScryptRunner;
  readonly schedules: RecoverySchedules;
  readonly wallClock: () => Date;
  /** Monotonic, milliseconds. */
  readonly now: () => number;
  /** Calls back once, and does not keep the process alive; what it gives calls that off. */
  readonly after: (milliseconds: number, callback: () => void) => () => void;
  readonly onFailed: (error: unknown) => void;
}

export interface RecoveryTarget {
  readonly location: string;
  readonly schedule: string;
  readonly afterBackups: boolean;
  readonly confirmed: boolean;
}

interface LockedPolicy extends Pick<PolicyRecord, 'policyId' | 'name'> {
  readonly protectionPeriodDays: number;
}

const lane = 'recovery';
const lookMs = 60_000;
/** Where no run clears, bundles are looked at so often. */
const sweepMs = 86_400_000;
/** After the first bundle that failed, the second, … ; the last for all that follow. */
const retryDelaysMs = [5, 15, 60].map((minutes) => minutes * 60_000);

/** Disaster recovery of this installation while the daemon lives: turned on and off, its bundles by schedule and by request, and whether they cover what is promised. */
export class DisasterRecovery implements AsyncDisposable {
  readonly #options: DisasterRecoveryOptions;
  #failures = 0;
  /** Monotonic: nothing is begun by itself before. */
  #notBefore = 0;
  /** Since when this daemon looks, by the wall clock: what lies in the future was dated by a clock that was wrong. */
  #since: number;
  #cancelTimer: (() => void) | undefined;
  #isEnded = false;
  /** By the wall clock: the last run that ended of each policy. */
  readonly #endedAt: Map<PolicyId, number> = new Map();
  /** Monotonic. */
  #sweptAt = Number.NEGATIVE_INFINITY;
  readonly #abort = new AbortController();
  #sweep: Promise<void> = Promise.resolve();

  constructor(options: DisasterRecoveryOptions) {
    this.#options = options;
    this.#since = options.wallClock().getTime();
  }

  start(): void {
    this.look();
  }

  /** Refusals by rule: `unknownName`, `ambiguousName`, `badValue`, `refusedByRule`, `confirmationNeeded`. */
  checkEnable({ location: reference, schedule, confirmed }: RecoveryTarget): LocationRecord {
    const { installation, schedules, wallClock } = this.#options;
    this.#refuseOn();
    const location = installation.locations.resolve(reference);
    schedules.normal(schedule, wallClock().getTime());
    if (location.lockMode === null && !confirmed) {
      throw new HoldfastError(
        'confirmationNeeded',
        `Put the bundles at ${location.name}? Nothing is locked there: whoever takes over this machine can delete them, and with them the way back.`,
        { fix: 'Choose an immutable location, or say --yes.' },
      );
    }
    return location;
  }

  /**
   * Turns it on and starts the first bundle. The passphrase stays the caller's to wipe. Besides what `checkEnable` refuses: `refusedByRule` for one that also opens a
   * passkey, `badValue` for one that is weak or may not be set.
   */
  async enable(
    target: RecoveryTarget,
    passphrase: Uint8Array,
    requestId: string,
    signal: AbortSignal,
  ): Promise<{ readonly action: Action; readonly drkId: string }> {
    const { installation, scrypt, schedules, wallClock } = this.#options;
    const { catalog, keys } = installation;
    const location = this.checkEnable(target);
    refuseWeak(passphrase);
    const { installationId } = installation;
    const slots = catalog.passkeys.list().flatMap(({ slot }) => readableSlot(slot) ?? []);
    const opened = await slotOpenedBy({ installationId, slots, passphrase, scrypt, signal });
    if (opened !== undefined) throw opensPasskey(catalog.passkeys.get(opened)?.name ?? opened);
    using derived = await DrPassphrase.deriveNew({ installationId, passphrase, scrypt, signal });
    const now = wallClock();
    const drKey = DrKey.generate(installationId);
    const drKeys = { drKey, nameKey: derived.nameKey() };
    try {
      const record: RecoveryRecord = {
        locationId: location.locationId,
        drkId: drKey.drkId,
        drKeys: sealedRecoveryKeys(keys.masterKey, drKeys),
        drSlot: derived.wrap(drKey, now),
        schedule: schedules.normal(target.schedule, now.getTime()),
        afterBackups: target.afterBackups ? 1 : 0,
        enabledAt: now.toISOString(),
      };
      catalog.transaction(() => {
        this.#refuseOn();
        catalog.recovery.enable(record);
        // From now on only keyrings that the new key authenticates count.
        installation.keyrings.changed();
      });
    } catch (error) {
      drKey[Symbol.dispose]();
      throw error;
    }
    keys.holdDrKeys(drKeys);
    this.#failures = 0;
    this.#notBefore = 0;
    await installation.deliverKeyrings(signal);
    const action = this.backUp({ requestId, startedBy: 'user' });
    return { action, drkId: hexOf(drKey.drkId) };
  }

  /** Refusals by rule: `refusedByRule`, `stillInUse` (a bundle is under way), `confirmationNeeded`. */
  checkDisable(confirmed: boolean): RecoveryRecord {
    const record = this.#options.installation.catalog.recovery.get();
    if (record === undefined) throw recoveryIsOff('turn disaster recovery off');
    if (this.#options.queue.isBusy(lane)) {
      throw HoldfastError.failedTo('stillInUse', 'turn disaster recovery off', 'a bundle is under way', {
        fix: 'Wait for it, or cancel it: "holdfast action list".',
      });
    }
    if (!confirmed) {
      throw new HoldfastError(
        'confirmationNeeded',
        'Turn disaster recovery off? No more bundles are made, and those that are there go when their locks end: after that, a lost machine takes its catalog with it.',
        { fix: 'Say --yes.' },
      );
    }
    return record;
  }

  async disable(confirmed: boolean, signal: AbortSignal): Promise<RecoveryStatus> {
    const { installation } = this.#options;
    const { catalog, keys } = installation;
    this.checkDisable(confirmed);
    catalog.transaction(() => {
      catalog.recovery.disable();
      installation.keyrings.changed();
    });
    keys.holdDrKeys(undefined);
    await removeBundleScratch(installation.stateDirectory);
    await installation.deliverKeyrings(signal);
    this.look();
    return await this.status();
  }

  async status(): Promise<RecoveryStatus> {
    const { installation, schedules, wallClock } = this.#options;
    const { catalog, stateDirectory } = installation;
    const record = catalog.recovery.get();
    const now = wallClock().getTime();
    const all = catalog.bundles.list().filter(({ isWhole }) => isWhole === 1);
    const current =
      record === undefined
        ? []
        : all.filter(({ drkId, locationId }) => locationId === record.locationId && hexOf(drkId) === hexOf(record.drkId));
    const shown = current.map((bundle) => shownBundle(catalog, bundle));
    const { size } = await stat(path.join(stateDirectory, 'catalog.db'));
    const gap = schedules.of(record?.schedule ?? usualRecoverySchedule, lane).longestGap(now);
    const nextRunAt = record === undefined ? undefined : this.#dueAt(record, now);
    return {
      enabled: record !== undefined,
      location: record === undefined ? null : (catalog.locations.get(record.locationId)?.name ?? null),
      locationId: record?.locationId ?? null,
      enabledAt: record?.enabledAt ?? null,
      schedule: record?.schedule ?? null,
      afterBackups: record === undefined ? null : record.afterBackups === 1,
      nextRunAt: nextRunAt === undefined ? null : new Date(nextRunAt).toISOString(),
      problems: record === undefined ? [] : this.#problems(record, now),
      newest: shown[0] ?? null,
      validTimes: current.length,
      oldestTime: current.at(-1)?.created ?? null,
      heldBytes: all.reduce((sum, { locationId, objectKey }) => sum + (catalog.objects.get(locationId, objectKey)?.size ?? 0), 0),
      bytesPerMonth: bytesPerMonth(shown, size, gap),
    };
  }

  /** Puts one bundle into the queue. Throws `refusedByRule` where it is off. */
  backUp(request: { readonly requestId: string; readonly startedBy: Action['startedBy'] }): Action {
    const { installation, copier, queue, wallClock, now } = this.#options;
    const record = installation.catalog.recovery.get();
    if (record === undefined) throw recoveryIsOff('back up the catalog');
    const action = queue.submit({
      kind: 'recoveryBackup',
      subject: installation.catalog.locations.get(record.locationId)?.name ?? record.locationId,
      subjectId: record.locationId,
      ...request,
      lanes: [lane],
      work: (run) => runBundle({ installation, copier, wallClock, now }, run),
    });
    void queue.ended(action.actionId)?.then(({ state }) => this.#ended(state === 'complete'));
    return action;
  }

  /** A run of a policy has come to its end, whichever. */
  backupEnded(policyId: PolicyId): void {
    this.#endedAt.set(policyId, this.#options.wallClock().getTime());
    this.look();
  }

  /** Policies, locations or bundles are others than before, the daemon was unlocked: what is due is begun, and coverage looked at. */
  look(): void {
    if (this.#isEnded) return;
    this.#cancelTimer?.();
    this.#cancelTimer = this.#options.after(lookMs, () => this.look());
    try {
      const { installation, queue, wallClock, now } = this.#options;
      const record = installation.catalog.recovery.get();
      const wall = wallClock().getTime();
      this.#since = Math.min(this.#since, wall);
      this.#tell(record, wall);
      this.#sweepLeft(record);
      if (record === undefined || installation.state !== 'unlocked' || queue.isBusy(lane) || now() < this.#notBefore) return;
      const due = this.#dueAt(record, wall);
      if (due !== undefined && due <= wall) this.backUp({ requestId: randomUUID(), startedBy: 'schedule' });
    } catch (error) {
      this.#options.onFailed(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnded = true;
    this.#cancelTimer?.();
    this.#abort.abort();
    await this.#sweep;
  }

  /** Bundles at locations where none are made any more, once their locks have ended. */
  #sweepLeft(record: RecoveryRecord | undefined): void {
    const { installation, wallClock, now, onFailed } = this.#options;
    const { catalog, stores } = installation;
    if (installation.state !== 'unlocked' || now() - this.#sweptAt < sweepMs) return;
    this.#sweptAt = now();
    const left = new Set(catalog.bundles.list().map(({ locationId }) => locationId));
    if (record !== undefined) left.delete(record.locationId);
    const sweep = async (): Promise<void> => {
      const { signal } = this.#abort;
      for (const locationId of left) {
        try {
          const place = { catalog, at: await stores.open(locationId, signal), wallClock, signal };
          await settleBundles(place);
          await sweepBundles(place);
        } catch (error) {
          if (!signal.aborted) onFailed(error);
        }
      }
    };
    if (left.size > 0) this.#sweep = this.#sweep.then(sweep);
  }

  #ended(isComplete: boolean): void {
    this.#failures = isComplete ? 0 : this.#failures + 1;
    const delay = isComplete ? 0 : (retryDelaysMs[Math.min(this.#failures, retryDelaysMs.length) - 1] ?? 0);
    this.#notBefore = this.#options.now() + delay;
    this.look();
  }

  /** By its schedule, and a quarter of an hour after the last bundle where a policy that is locked has a newer restore point. */
  #dueAt(record: RecoveryRecord, now: number): number | undefined {
    const { schedules } = this.#options;
    const newest = this.#newestAt(record, now);
    const bySchedule = schedules.of(record.schedule, lane).next(newest ?? Math.min(Date.parse(record.enabledAt), now));
    // The first one was asked for when it was turned on.
    if (newest === undefined) return bySchedule;
    const after = record.afterBackups === 1 && this.#hasNewerPoint(newest) ? newest + betweenBackupsMs : Infinity;
    return Math.min(bySchedule ?? Infinity, after) === Infinity ? undefined : Math.min(bySchedule ?? Infinity, after);
  }

  #newestAt({ locationId, drkId }: RecoveryRecord, now: number): number | undefined {
    const newest = this.#options.installation.catalog.bundles.newest(locationId);
    if (newest === undefined || hexOf(newest.drkId) !== hexOf(drkId)) return undefined;
    const at = Date.parse(newest.created);
    return at > now ? this.#since : at;
  }

  #hasNewerPoint(since: number): boolean {
    const { catalog } = this.#options.installation;
    return this.#lockedPolicies().some(({ policyId }) => {
      // A run that ends commits after the time that its restore point has.
      if ((this.#endedAt.get(policyId) ?? Number.NEGATIVE_INFINITY) >= since) return true;
      const finishedAt = catalog.restorePoints.head(policyId)?.finishedAt;
      return finishedAt !== undefined && Date.parse(finishedAt) > since;
    });
  }

  /** With the protection period of each, in days. */
  #lockedPolicies(): readonly LockedPolicy[] {
    const { catalog } = this.#options.installation;
    const periods = new Map<PolicyRecord['locationId'] | null, number | null>(
      catalog.locations.list().map(({ locationId, protectionPeriodDays }) => [locationId, protectionPeriodDays]),
    );
    return catalog.policies.list().flatMap((policy) => {
      const protectionPeriodDays = periods.get(policy.locationId) ?? null;
      const isForeign = catalog.importedPolicies.has(policy.policyId);
      return policy.paused || isForeign || protectionPeriodDays === null
        ? []
        : [{ policyId: policy.policyId, name: policy.name, protectionPeriodDays }];
    });
  }

  #problems(record: RecoveryRecord, now: number): readonly CoverageProblem[] {
    const { installation, schedules } = this.#options;
    const { catalog } = installation;
    const location = catalog.locations.get(record.locationId);
    const texts = new Map(catalog.schedules.list().map(({ policyId, schedule }) => [policyId, schedule]));
    const policies = this.#lockedPolicies().map(({ policyId, name, protectionPeriodDays }): CoveredPolicy => {
      const text = texts.get(policyId);
      return { name, gapMs: text === undefined ? null : schedules.of(text, policyId).longestGap(now), protectionPeriodDays };
    });
    return coverageProblems(
      {
        location: location?.name ?? record.locationId,
        protectionPeriodDays: location?.protectionPeriodDays ?? null,
        gapMs: schedules.of(record.schedule, lane).longestGap(now),
        afterBackups: record.afterBackups === 1,
        newestAt: this.#newestAt(record, now) ?? Math.min(Date.parse(record.enabledAt), now),
        now,
      },
      policies,
    );
  }

  #tell(record: RecoveryRecord | undefined, now: number): void {
    const { alerts, installation } = this.#options;
    const problems = record === undefined ? [] : this.#problems(record, now);
    const [first] = problems;
    if (record === undefined || first === undefined) {
      alerts.resolve('recoveryCoverage', lane);
      return;
    }
    alerts.raise({
      kind: 'recoveryCoverage',
      subjectId: lane,
      subject: 'disaster recovery',
      severity: problems.some(({ kind }) => kind === 'overdue') ? 'error' : 'warning',
      message: problems.map(({ message }) => message).join(' '),
      fix: first.fix,
      ...(installation.catalog.locations.get(record.locationId) === undefined ? {} : { locationId: record.locationId }),
    });
  }

  #refuseOn(): void {
    if (this.#options.installation.catalog.recovery.get() === undefined) return;
    throw HoldfastError.failedTo('refusedByRule', 'turn disaster recovery on', 'it is on already', {
      fix: 'To choose another location or DR passphrase, turn it off first: "holdfast dr disable".',
    });
  }
}

/** What may be set for a passkey with a warning is refused here: the bundles are the one thing that a DR passphrase alone opens. */
function refuseWeak(passphrase: Uint8Array): void {
  const problem = passphraseProblem(passphrase);
  if (problem === undefined) return;
  const cause = problem === 'short' ? 'it has too few characters' : 'it has too few different characters';
  throw HoldfastError.failedTo('badValue', 'set the DR passphrase', `${cause}, and who reads the bundles can try out all of those`, {
    fix: 'Let one be generated: leave --dr-passphrase-file out.',
  });
}

function opensPasskey(name: string): HoldfastError {
  return HoldfastError.failedTo(
    'refusedByRule',
    'set the DR passphrase',
    `it also opens the passkey ${name}, and a recovery takes two different secrets`,
    {
      fix: 'Let one be generated: leave --dr-passphrase-file out.',
    },
  );
}
