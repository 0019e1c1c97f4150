import type { PolicyId, RestorePointId } from '../../protocol/ids.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { LocationRecord } from '../catalog/locationStore.ts';
import type { LedgerObject } from '../catalog/objectLedger.ts';
import { termsPrefix } from '../repository/termName.ts';

export type KeptObject = Pick<LedgerObject, 'number' | 'objectKey' | 'policyId' | 'kind' | 'state'>;

/** Restore points that are kept at a location and of which nobody knows what they reach. */
export function unknownReach(
  catalog: Catalog,
  { locationId, storeId }: Pick<LocationRecord, 'locationId' | 'storeId'>,
): readonly RestorePointId[] {
  const known = new Set(catalog.reaches.atLocation(locationId).map(({ restorePointId }) => restorePointId));
  return catalog.restorePoints.keptAt(storeId).flatMap(({ id }) => (known.has(id) ? [] : [id]));
}

/** Which objects of a location are kept locked (docs/format.md, Locks), as the catalog has it at one moment. */
export class KeptObjects {
  readonly #numbers: Uint8Array;
  readonly #wholePolicies: Set<PolicyId> = new Set();
  readonly #pinned: Set<string>;
  readonly #newestKeyring: string | undefined;
  readonly #forRecovery: Set<string>;
  readonly #highestTerm: string | undefined;

  constructor(catalog: Catalog, { locationId, storeId }: Pick<LocationRecord, 'locationId' | 'storeId'>) {
    this.#numbers = new Uint8Array(catalog.objects.lastNumber(locationId) + 1);
    this.#pinned = new Set(catalog.runPins.keysAt(locationId));
    this.#newestKeyring = catalog.keyrings.newestCopyAt(locationId)?.key;
    this.#forRecovery = new Set(catalog.keptForRecovery(locationId));
    this.#highestTerm = highestTerm(catalog, locationId);
    const reaches = new Map(catalog.reaches.atLocation(locationId).map((reach) => [reach.restorePointId, reach]));
    for (const { id, policyId } of catalog.restorePoints.keptAt(storeId)) {
      const reach = reaches.get(id);
      if (reach === undefined) {
        this.#wholePolicies.add(policyId);
        continue;
      }
      for (const [first, last] of reach.runs) this.#numbers.fill(1, first, last + 1);
    }
  }

  /** Whether the monitor extends it. */
  has(object: KeptObject): boolean {
    return this.isPromised(object) || this.#pinned.has(object.objectKey);
  }

  /** Whether anybody was told that it is safe: what a run under way has put so far is kept, but nobody was. */
  isPromised({ number, objectKey, policyId, kind, state }: KeptObject): boolean {
    return (
      this.#numbers[number] === 1 ||
      objectKey === this.#newestKeyring ||
      this.#forRecovery.has(objectKey) ||
      objectKey === this.#highestTerm ||
      kind === 'marker' ||
      // Of a whole policy, what is not there may be what nobody needs.
      (policyId !== null && this.#wholePolicies.has(policyId) && state === 'present')
    );
  }
}

/** Only authentic terms come into the ledger, and their names are in the order of their numbers. */
function highestTerm(catalog: Catalog, locationId: LocationRecord['locationId']): string | undefined {
  const installation = catalog.installation.get();
  return installation === undefined
    ? undefined
    : catalog.objects.lastBelow(locationId, termsPrefix(installation.installationId))?.objectKey;
}
