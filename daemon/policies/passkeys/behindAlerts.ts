import type { LocationId } from '../../../protocol/ids.ts';
import { minuteOf, shellWord } from '../../../protocol/wording.ts';
import type { AlertBook } from '../../alerts/alertBook.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { behindIn, GateFacts } from '../../installation/passkeys/gateFacts.ts';
import { isWayIn } from '../../keys/gate/waysIn.ts';

export interface BehindAlertsOptions {
  readonly alerts: AlertBook;
  readonly catalog: Catalog;
  /** Monotonic, milliseconds. */
  readonly now: () => number;
}

/** A keyring is on its way to every location as soon as a passkey changes: what is told is one that did not arrive. */
const lastsMs = 600_000;

/** Locations that the newest keyring has not reached: what is stored there opens with the passkeys of before, and with no others. */
export class BehindAlerts {
  readonly #options: BehindAlertsOptions;
  readonly #gates: GateFacts;
  /** Since when each is known to be behind. */
  readonly #since = new Map<LocationId, number>();

  constructor(options: BehindAlertsOptions) {
    this.#options = options;
    this.#gates = new GateFacts(options.catalog);
  }

  look(): void {
    const { alerts, catalog, now } = this.#options;
    const behind = new Set<string>(behindIn(catalog));
    for (const locationId of this.#since.keys()) if (!behind.has(locationId)) this.#since.delete(locationId);
    for (const { subjectId } of alerts.raised('keyringBehind')) if (!behind.has(subjectId)) alerts.resolve('keyringBehind', subjectId);
    if (behind.size === 0) return;
    const view = this.#gates.read();
    for (const { locationId, name, newest = [], reachedAt } of view.behindPlaces()) {
      const since = this.#since.get(locationId) ?? now();
      this.#since.set(locationId, since);
      if (now() - since < lastsMs) continue;
      const there = view.passkeys.filter(({ slotId }) => newest.includes(slotId)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
      const opening = there.filter(isWayIn);
      const others = there.filter((passkey) => !isWayIn(passkey));
      const reached = reachedAt === null ? '' : `, which was last reached ${minuteOf(reachedAt.toISOString())}`;
      alerts.raise({
        kind: 'keyringBehind',
        subjectId: locationId,
        subject: name,
        locationId,
        severity: opening.length === 0 ? 'error' : 'warning',
        message: `The newest keyring has not reached ${name}${reached}: what is stored there opens with ${listOf(opening)}${butWith(others)}.`,
        fix: `Have ${name} reachable: it gets the keyring within the hour while the daemon is unlocked, and before its next backup. Where it is gone for good, "holdfast location remove ${shellWord(name)}".`,
      });
    }
  }
}

function listOf(passkeys: readonly { readonly name: string }[]): string {
  return passkeys.length === 0 ? 'no passkey that is in use today' : `the passkeys ${passkeys.map(({ name }) => name).join(', ')} alone`;
}

function butWith(passkeys: readonly { readonly name: string; readonly state: string }[]): string {
  if (passkeys.length === 0) return '';
  return `, and with ${passkeys.map(({ name, state }) => `${name} (${state === 'ready' ? 'going to be retired' : state})`).join(', ')}`;
}
