import assert from 'node:assert/strict';
import { HoldfastError } from '../../protocol/errors.ts';
import type { LocationId } from '../../protocol/ids.ts';
import { newId } from './ids.ts';
import type { InstallationBench } from './installationBench.ts';
import { MemoryStore } from './memoryStore.ts';

/** When locations are added, and what their stores tell of the time. */
const start = '2026-01-02T03:04:05.678Z';

/** A location with locks whose store is there or away. */
export class LockedLocation {
  readonly store: MemoryStore = new MemoryStore();
  readonly locationId: LocationId = newId<LocationId>();
  readonly #bench: InstallationBench;
  isAway = false;

  constructor(bench: InstallationBench, name = 'vault-store') {
    this.#bench = bench;
    this.#add(name);
    const { installation } = bench;
    const open = installation.locations.open.bind(installation.locations);
    installation.locations.open = async (locationId) => {
      if (locationId !== this.locationId) return await open(locationId);
      if (this.isAway) throw HoldfastError.failedTo('storeUnreachable', 'open the location', 'it is away');
      return this.store;
    };
  }

  #add(name: string): void {
    this.#bench.installation.catalog.locations.add({
      locationId: this.locationId,
      name,
      kind: 's3',
      spec: JSON.stringify({ kind: 's3', bucket: 'backups', region: 'eu-west-1', credentials: { source: 'chain' } }),
      storeId: this.store.storeId,
      createdAt: start,
      lastValidatedAt: null,
      uploadLimit: null,
      lockMode: 'compliance',
      protectionPeriodDays: 30,
      credentials: null,
      validated: null,
      lockProof: null,
      auditedAt: null,
    });
  }

  /** As a location that was removed and is added again. */
  addAgain(name: string): void {
    this.#add(name);
  }

  async deliver(): Promise<void> {
    await this.#bench.installation.keyrings.deliver(this.locationId, this.store);
  }

  /** Everything whose lock nobody has read yet. */
  lock(until: Date): void {
    const { keyrings, objects } = this.#bench.installation.catalog;
    for (const { key } of keyrings.copiesAt(this.locationId)) {
      const object = objects.get(this.locationId, key) ?? assert.fail();
      if (object.retainUntil !== null) continue;
      objects.record({ ...object, retainUntil: until.toISOString(), lockReadAt: start });
    }
  }
}
