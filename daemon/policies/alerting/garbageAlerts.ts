import type { AlertBook } from '../../alerts/alertBook.ts';
import type { GarbageFailure } from '../garbage/garbageService.ts';

type Place = Pick<GarbageFailure, 'locationId' | 'policyId'>;

/** What goes wrong with the garbage of a policy, for each location that has data of it: one that is well says nothing of the other. */
export class GarbageAlerts {
  readonly #alerts: AlertBook;

  constructor(alerts: AlertBook) {
    this.#alerts = alerts;
  }

  failed({ locationId, policyId, policy, error }: GarbageFailure): void {
    this.#alerts.raise({
      kind: 'garbageCollectionFailed',
      subjectId: subjectOf({ locationId, policyId }),
      subject: policy,
      severity: 'warning',
      message: `Garbage of the policy ${policy} could not all be collected.`,
      fix: error.fix ?? 'Verify its restore points.',
      detail: error.message,
      policyId,
      locationId,
    });
  }

  collected(place: Place): void {
    this.#alerts.resolve('garbageCollectionFailed', subjectOf(place));
  }
}

function subjectOf({ locationId, policyId }: Place): string {
  return `${policyId}/${locationId}`;
}
