import type { PolicyId, RestorePointId } from '../../protocol/ids.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { LocationRecord } from '../catalog/locationStore.ts';
import type { LockedObject } from '../catalog/objectLedger.ts';

/** Which objects of a location are kept locked (docs/format.md, Locks), as the catalog has it at one moment. */
export class KeptObjects {
  readonly #numbers: Uint8Array;
  readonly #wholePolicies: Set<PolicyId> = new Set();
  readonly #keys: Set<string>;
  /** Restore points of which nobody knows what they reach: everything of their policies is kept. */
  readonly unknownReach: readonly RestorePointId[];

  constructor(catalog: Catalog, { locationId, storeId }: Pick<LocationRecord, 'locationId' | 'storeId'>) {
    this.#numbers = new Uint8Array(catalog.objects.lastNumber(locationId) + 1);
    this.#keys = new Set(catalog.runPins.keysAt(locationId));
    const newestKeyring = catalog.keyrings.newestCopyAt(locationId);
    if (newestKeyring !== undefined) this.#keys.add(newestKeyring.key);
    const reaches = new Map(catalog.reaches.atLocation(locationId).map((reach) => [reach.restorePointId, reach]));
    const unknown: RestorePointId[] = [];
    for (const { id, policyId } of catalog.restorePoints.keptAt(storeId)) {
      const reach = reaches.get(id);
      if (reach === undefined) {
        unknown.push(id);
        this.#wholePolicies.add(policyId);
        continue;
      }
      for (const [first, last] of reach.runs) this.#numbers.fill(1, first, last + 1);
    }
    this.unknownReach = unknown;
  }

  has({ number, objectKey, policyId, kind }: Pick<LockedObject, 'number' | 'objectKey' | 'policyId' | 'kind'>): boolean {
    return (
      this.#numbers[number] === 1 ||
      this.#keys.has(objectKey) ||
      kind === 'marker' ||
      (policyId !== null && this.#wholePolicies.has(policyId))
    );
  }
}
