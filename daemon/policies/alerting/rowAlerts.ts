import type { LocationId, PolicyId, RestorePointId } from '../../../protocol/ids.ts';
import { minuteOf } from '../../../protocol/wording.ts';
import type { AlertBook } from '../../alerts/alertBook.ts';
import type { Catalog } from '../../catalog/catalog.ts';

export interface RowAlertsOptions {
  readonly alerts: AlertBook;
  readonly catalog: Catalog;
  readonly wallClock: () => Date;
}

/** A restore point's time is the machine's own: so much further ahead than now, the clock was wrong then or is wrong now. */
const skewMs = 5 * 60_000;

/** Alerts that stand in rows of the catalog: asked for whenever a row has changed, and for all of them at the daemon's start. */
export class RowAlerts {
  readonly #alerts: AlertBook;
  readonly #catalog: Catalog;
  readonly #wallClock: () => Date;

  constructor({ alerts, catalog, wallClock }: RowAlertsOptions) {
    this.#alerts = alerts;
    this.#catalog = catalog;
    this.#wallClock = wallClock;
  }

  /** What a crash may have kept from being told. */
  all(): void {
    for (const { policyId } of this.#catalog.policies.list({ includeDeleted: true })) this.policyChanged(policyId);
    for (const { id } of this.#catalog.restorePoints.damaged()) this.restorePointChanged(id);
    for (const { subjectId } of this.#alerts.raised('damagedData')) this.#resolveUnlessDamaged(subjectId);
    for (const kind of ['locationUnreachable', 'locationFull'] as const) {
      for (const { locationId } of this.#alerts.raised(kind)) if (locationId !== null) this.#resolveUnlessThere(locationId);
    }
    this.clock();
  }

  policyChanged(policyId: PolicyId): void {
    const policy = this.#catalog.policies.get(policyId);
    // The data that it has made stays, and so does what is known of its damage.
    if (policy?.deletedAt === null) return;
    for (const kind of ['backupFailed', 'sourceMissing', 'policyOverdue', 'commandFailed', 'hookFailed', 'retentionFailed'] as const)
      this.#alerts.resolve(kind, policyId);
    for (const alert of this.#alerts.raised('garbageCollectionFailed')) {
      if (alert.policyId === policyId) this.#alerts.resolve('garbageCollectionFailed', alert.subjectId);
    }
  }

  locationChanged(locationId: LocationId): void {
    this.#resolveUnlessThere(locationId);
  }

  restorePointChanged(id: RestorePointId): void {
    const point = this.#catalog.restorePoints.get(id);
    if (point?.state !== 'damaged') {
      this.#alerts.resolve('damagedData', id);
      return;
    }
    const { policyId, startedAt } = point;
    const name = this.#catalog.policies.get(policyId)?.name ?? 'a policy that is no more';
    const short = id.slice(0, 8);
    this.#alerts.raise({
      kind: 'damagedData',
      subjectId: id,
      subject: short,
      severity: 'error',
      message: `The restore point ${short} of ${name}, made at ${minuteOf(startedAt)}, is damaged.`,
      fix: `Back up again, which stores anew what is missing; "holdfast restore-point verify ${short} --read-data" says what that is.`,
      policyId,
      restorePointId: id,
    });
  }

  /** A restore point that is newer than now: no schedule and no age can be trusted until that has been looked at. */
  clock(): void {
    const now = this.#wallClock().getTime();
    for (const { policyId, name } of this.#catalog.policies.list()) {
      const head = this.#catalog.restorePoints.head(policyId);
      if (head === undefined || Date.parse(head.finishedAt) <= now + skewMs) continue;
      this.#alerts.raise({
        kind: 'clockSkew',
        subjectId: 'clock',
        subject: 'the clock',
        severity: 'warning',
        message: `The clock of this machine is behind the newest restore point of ${name}.`,
        fix: 'Set the clock right; where it was wrong before and is right now, the next backup resolves this.',
        policyId,
      });
      return;
    }
    this.#alerts.resolve('clockSkew', 'clock');
  }

  #resolveUnlessThere(locationId: string): void {
    if (!this.#catalog.locations.list().some((location) => location.locationId === locationId)) this.#alerts.resolveAllOf(locationId);
  }

  #resolveUnlessDamaged(id: string): void {
    const [point] = this.#catalog.restorePoints.byIdPrefix(id);
    if (point?.state !== 'damaged') this.#alerts.resolve('damagedData', id);
  }
}
