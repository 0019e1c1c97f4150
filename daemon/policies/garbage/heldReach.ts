import type { LocationId } from '../../../protocol/ids.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { restorePointIdOf } from '../../repository/manifest.ts';
import { parseObjectKey } from '../../repository/names.ts';

/**
 * Until when objects stay for the sake of retired restore points whose manifests are locked longer than they are: a manifest is to lie in the store with all that
 * it reaches, or not at all (docs/format.md, Garbage collection). What a restore point reaches, the catalog says; of one of which it does not, nothing is held.
 */
export class HeldReach {
  readonly #catalog: Catalog;
  readonly #locationId: LocationId;
  /** Milliseconds since the epoch, by number of the ledger. */
  readonly #until: Float64Array;

  constructor(catalog: Catalog, locationId: LocationId) {
    this.#catalog = catalog;
    this.#locationId = locationId;
    this.#until = new Float64Array(catalog.objects.lastNumber(locationId) + 1);
  }

  /** An object is locked: where it is a manifest, it holds all that it reaches. */
  hold(key: string, until: Date): void {
    const name = parseObjectKey(key);
    if (name?.type !== 'manifest') return;
    for (const [first, last] of this.#catalog.reaches.of(restorePointIdOf(name.objectId))?.runs ?? []) {
      for (let number = first; number <= last; number += 1) {
        this.#until[number] = Math.max(this.#until[number] ?? 0, until.getTime());
      }
    }
  }

  /** The beginning of 1970 where nothing holds it. */
  until(key: string): Date {
    const number = this.#catalog.objects.get(this.#locationId, key)?.number;
    return new Date(number === undefined ? 0 : (this.#until[number] ?? 0));
  }
}
