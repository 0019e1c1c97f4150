import type { AlertKind, AlertSeverity } from '../../protocol/methods/alerts.ts';
import { counted, minuteOf, shellWord } from '../../protocol/wording.ts';
import type { AlertBook } from '../alerts/alertBook.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { LocationRecord } from '../catalog/locationStore.ts';
import { lockProofOf } from '../installation/lockProofRecord.ts';
import type { Drift } from '../locations/bucketDrift.ts';
import { slack, slackLevel } from '../locks/lockPlan.ts';
import { aimedPlan, overdueBy, promisedPlan } from '../locks/lockRunState.ts';
import type { LockFigures } from './lockFigures.ts';
import type { EndedLockRun, LockMonitor } from './lockMonitor.ts';
import type { TamperAuditResult } from './tamperAudit.ts';
import { cureOf, isDamaging } from './tamperFinding.ts';

export interface ImmutabilityAlertsOptions {
  readonly alerts: AlertBook;
  readonly catalog: Catalog;
  readonly monitor: Pick<LockMonitor, 'stateOf' | 'now' | 'skewOf'>;
  readonly figures: LockFigures;
  /** Whether it can be reached at the moment: not where its credentials are sealed and the daemon is locked. */
  readonly isReachable: (location: LocationRecord) => boolean;
  readonly safeUntil: (location: LocationRecord) => string | null;
}

interface Told {
  readonly severity: AlertSeverity;
  readonly message: string;
  readonly fix: string;
  readonly detail?: string;
}

const named = 3;

/** What of the locks the user must know. Every alert says until when nothing is lost, and resolves itself when its cause is gone. */
export class ImmutabilityAlerts {
  readonly #options: ImmutabilityAlertsOptions;

  constructor(options: ImmutabilityAlertsOptions) {
    this.#options = options;
  }

  /** What can be told from the catalog and the clocks alone. */
  look(): void {
    for (const location of this.#options.catalog.locations.list()) {
      if (location.lockMode !== null) this.#lookAt(location);
    }
  }

  /** A run of the monitor came to its end. */
  ended({ location, result, error }: EndedLockRun): void {
    // Removed while the run was under way: nobody waits for it.
    if (this.#options.catalog.locations.get(location.locationId) === undefined) return;
    if (error === undefined) {
      this.#say(location, 'locationUnreachable', undefined);
      this.#say(location, 'refreshFailed', undefined);
    } else if (error.code === 'storeUnreachable') {
      this.#say(location, 'locationUnreachable', {
        severity: 'warning',
        message: `The location ${location.name} can not be reached, so its locks are not extended.`,
        fix: 'Bring the network or the store back; it is tried again by itself.',
        detail: error.message,
      });
    } else if (error.code !== 'cancelled' && error.code !== 'locked') {
      const refused = result?.refused ?? [];
      const keys = refused.slice(0, named).map(({ objectKey }) => objectKey);
      this.#say(location, 'refreshFailed', {
        severity: 'error',
        message:
          refused.length === 0
            ? `The locks at ${location.name} could not be extended.`
            : `${counted(refused.length, 'lock')} at ${location.name} could not be extended: ${keys.join(', ')}${refused.length > named ? ', …' : ''}.`,
        fix: error.fix ?? `Validate the location: "holdfast location validate ${shellWord(location.name)}".`,
        detail: error.message,
      });
    }
    const missing = result?.missing ?? [];
    if (missing.length > 0) this.missing(location, missing);
  }

  /** Kept objects are gone from the store. The next audit that finds them cured says so. */
  missing(location: LocationRecord, keys: readonly string[]): void {
    this.#say(location, 'tampering', {
      severity: 'error',
      message: `${counted(keys.length, 'locked object')} of ${location.name} ${keys.length === 1 ? 'is' : 'are'} not in the store any more: ${keys.slice(0, named).join(', ')}.`,
      fix: `Audit the location: "holdfast immutability audit --location ${shellWord(location.name)}"; the next backup stores anew what it still has.`,
    });
  }

  audited(location: LocationRecord, { findings, findingsCount, tamperedSince }: TamperAuditResult): void {
    this.#say(
      location,
      'tampering',
      findingsCount === 0
        ? undefined
        : {
            severity: 'error',
            message: `Somebody tampered with ${location.name}${tamperedSince === null ? '' : ` since ${minuteOf(tamperedSince)}`}: ${counted(findingsCount, 'finding')}${isDamaging(findings) ? ', and restore points are damaged' : ''}.`,
            fix: cureOf(findings),
          },
    );
  }

  /** What the bucket is set to is not what was validated, or the lock is not proved any more. */
  drifted(location: LocationRecord, drifts: readonly Drift[]): void {
    const proof = lockProofOf(location);
    const [worst] = drifts;
    const isBroken = proof !== null && (proof.verdict === 'notEnforced' || proof.verdict === 'bypassable');
    const told: Told | undefined = isBroken
      ? {
          severity: 'error',
          message: `The store of ${location.name} does not enforce locks: what is there is not immutable.`,
          fix: 'Use a bucket whose store enforces Object Lock, and credentials that may not bypass it.',
        }
      : worst && {
          severity: worst.severity,
          message: `${location.name} is not what was validated: ${worst.message}${drifts.length > 1 ? ` (and ${drifts.length - 1} more)` : ''}`,
          fix: worst.fix,
          detail: drifts.map(({ message }) => message).join(' '),
        };
    this.#say(location, 'locationCriteria', told);
  }

  #lookAt(location: LocationRecord): void {
    const { monitor, figures, isReachable } = this.#options;
    const { locationId, name } = location;
    const state = monitor.stateOf(location);
    if (state === undefined) return;
    const time = monitor.now(locationId);
    const plan = promisedPlan(state);
    const { shortest } = figures.of(location);
    const level = plan === null || shortest === null ? 'enough' : slackLevel(plan, slack(plan, shortest.retainUntil, time));
    this.#say(
      location,
      'slackHalf',
      level === 'underHalf'
        ? {
            severity: 'warning',
            message: `The locks at ${name} have less than half of their reserve left.`,
            fix: 'Keep the daemon running and the store reachable until they are refreshed.',
          }
        : undefined,
    );
    this.#say(
      location,
      'slackQuarter',
      level === 'underQuarter' || level === 'breached'
        ? {
            severity: 'error',
            message:
              level === 'breached'
                ? `What is stored at ${name} is locked for a shorter time than was promised.`
                : `The locks at ${name} have less than a quarter of their reserve left.`,
            fix: `Refresh them now: "holdfast immutability refresh --location ${shellWord(name)}".`,
          }
        : undefined,
    );
    const { interval } = aimedPlan(state);
    const late = overdueBy(state, time);
    this.#say(
      location,
      'extenderStopped',
      late > interval
        ? {
            severity: 'warning',
            message: `The locks at ${name} were last refreshed ${state.lastCompleted === null ? 'never' : minuteOf(state.lastCompleted.end)}: the daemon was not running, or could not do it.`,
            fix: 'Let the daemon run, as a service of the system where you can: "holdfast service install".',
          }
        : undefined,
    );
    this.#say(
      location,
      'lockedTooLong',
      isReachable(location)
        ? undefined
        : {
            severity: 'error',
            message: `The daemon is locked and the credentials of ${name} are sealed: its locks are not extended.`,
            fix: 'Unlock the daemon, or let the location use credentials that are not sealed.',
          },
    );
    const skew = monitor.skewOf(locationId);
    if (skew !== undefined) {
      const minutes = Math.round(Math.abs(skew.milliseconds) / 60_000);
      this.#say(
        location,
        'clockSkew',
        skew.level === 'alert'
          ? {
              severity: 'warning',
              message: `This machine's clock is ${minutes} minutes ${skew.milliseconds > 0 ? 'ahead of' : 'behind'} the clock of ${name}.`,
              fix: 'Set the clock of this machine; locks follow the time of the store alone.',
            }
          : undefined,
      );
    }
  }

  #say(location: LocationRecord, kind: AlertKind, told: Told | undefined): void {
    const { alerts, safeUntil } = this.#options;
    const { locationId, name } = location;
    if (told === undefined) {
      alerts.resolve(kind, locationId);
      return;
    }
    const until = safeUntil(location);
    alerts.raise({ ...told, kind, subjectId: locationId, subject: name, locationId, ...(until === null ? {} : { safeUntil: until }) });
  }
}
