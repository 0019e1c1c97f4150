import type { StoreId } from '../../../protocol/ids.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { KeyHolder } from '../../installation/keyHolder.ts';
import type { OpenLocation } from '../../installation/locationStores.ts';
import type { OwnershipGuard } from '../../installation/ownershipGuard.ts';
import { catalogMemories } from './catalogMemories.ts';
import { recordKnownTerm } from './knownTerm.ts';
import { type OwnershipMemory, type OwnershipState, ownershipState, type TermHead } from './ownershipMemory.ts';
import { type LookOptions, type OwnershipLook, ownershipRefusal, OwnershipWatch } from './ownershipWatch.ts';
import { type TakenOwnership, type TakeRequest, takeOwnership } from './takeOwnership.ts';
import { termCodec, termKeysOf } from './termCodec.ts';
import type { TermPlace } from './termReader.ts';

export type OwnedLocation = Pick<OpenLocation, 'record' | 'store'>;

export interface LocationOwnershipOptions {
  readonly catalog: Pick<Catalog, 'ownerships' | 'objects'>;
  readonly keys: Pick<KeyHolder, 'masterKey'>;
  readonly now: () => Date;
  /** Rejects when the signal is aborted. */
  readonly sleep: TakeRequest['sleep'];
  /** A UUID. */
  readonly machineId: () => string;
  /** Told of each take, and of each look that found a term or something that is none. */
  readonly onSeen?: (location: OwnedLocation, seen: OwnershipLook | TakenOwnership) => void;
}

/** Who owns the locations of this installation: taking one, watching all, what to say of it. Needs the master key; what is remembered it says without. */
export class LocationOwnership implements OwnershipGuard {
  readonly #options: LocationOwnershipOptions;
  readonly #watches: Map<StoreId, OwnershipWatch> = new Map();

  constructor(options: LocationOwnershipOptions) {
    this.#options = options;
  }

  /** As it was seen last. */
  state(storeId: StoreId): OwnershipState {
    return ownershipState(this.#memory(storeId));
  }

  /** The newest term that is known there, for heads of manifests, keyrings and bundles. */
  highest(storeId: StoreId): TermHead | null {
    return this.#memory(storeId).highest;
  }

  /** Rejects as the store does, and with `locked`. */
  async look(location: OwnedLocation, signal: AbortSignal, options: LookOptions = {}): Promise<OwnershipLook> {
    const { storeId } = location.record;
    const { ownerships } = this.#options.catalog;
    const watch = this.#watches.get(storeId) ?? new OwnershipWatch(catalogMemories(ownerships, storeId));
    this.#watches.set(storeId, watch);
    const look = await watch.look(this.#placeOf(location, signal), options);
    this.#seen(location, look);
    return look;
  }

  async check(location: OwnedLocation, action: string, signal: AbortSignal): Promise<void> {
    const { state } = await this.look(location, signal);
    const refused = ownershipRefusal(state, action);
    if (refused !== undefined) throw refused;
  }

  /** See `takeOwnership`. */
  async take(location: OwnedLocation, request: Pick<TakeRequest, 'bundle' | 'isConfirmed'>, signal: AbortSignal): Promise<TakenOwnership> {
    const { catalog, machineId, sleep } = this.#options;
    const memories = catalogMemories(catalog.ownerships, location.record.storeId);
    const taken = await takeOwnership(this.#placeOf(location, signal), { ...request, machineId: machineId(), memories, sleep });
    this.#seen(location, taken);
    return taken;
  }

  #memory(storeId: StoreId): OwnershipMemory {
    return catalogMemories(this.#options.catalog.ownerships, storeId).get();
  }

  #placeOf({ record, store }: OwnedLocation, signal: AbortSignal): TermPlace {
    return { store, codec: termCodec(termKeysOf(this.#options.keys.masterKey), record.storeId), signal };
  }

  #seen(location: OwnedLocation, seen: OwnershipLook | TakenOwnership): void {
    const { catalog, now, onSeen } = this.#options;
    if (seen.term !== undefined) recordKnownTerm(catalog, location.record.locationId, seen.term, now());
    if (seen.term !== undefined || seen.findingsCount > 0) onSeen?.(location, seen);
  }
}
