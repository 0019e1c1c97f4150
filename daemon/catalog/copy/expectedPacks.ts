import type { DatabaseSync } from 'node:sqlite';
import { copyDamaged } from './copyFile.ts';
import { readLeftOut, versionCheck } from './leftOutPacks.ts';

/** A pack as an index names it that a restore point of the copy pins. */
export interface IndexedPack {
  readonly locationId: string;
  readonly policyId: string;
  /** 16 bytes. */
  readonly objectId: Uint8Array;
  readonly versionId: string | null;
  /** Of the stored bytes. */
  readonly size: number;
  /** Of the stored bytes, 32 bytes. */
  readonly sha256: Uint8Array;
}

/** `same`: the version id is the one that the ledger had. `other`: indexes know another one only. `unnamed`: no index named the pack; its size is 0, its hash empty. */
export type PackOrigin = 'same' | 'other' | 'unnamed';

export interface ExpectedPack extends IndexedPack {
  readonly number: number;
  readonly origin: PackOrigin;
}

const sha256Length = 32;
const origins = ['unnamed', 'other', 'same'] as const;

/** The left out packs of one policy at one location; each has a place, and what is known of it lies in columns. */
class PackGroup {
  readonly locationId: string;
  readonly policyId: string;
  /** By the id's bytes as characters. */
  readonly #places: Map<string, number> = new Map();
  readonly #numbers: number[] = [];
  readonly #checks: number[] = [];
  readonly #versionIds: (string | null)[] = [];
  readonly #sizes: number[] = [];
  #hashes: Buffer = Buffer.alloc(0);
  #origins: Uint8Array = new Uint8Array(0);

  constructor(locationId: string, policyId: string) {
    this.locationId = locationId;
    this.policyId = policyId;
  }

  get size(): number {
    return this.#numbers.length;
  }

  expect(objectId: Uint8Array, number: number, check: number): void {
    const place = this.#numbers.length;
    this.#places.set(nameOf(objectId), place);
    if (this.#places.size !== place + 1) throw copyDamaged('it leaves a pack out twice');
    this.#numbers.push(number);
    this.#checks.push(check);
    this.#versionIds.push(null);
    this.#sizes.push(0);
  }

  /** Behind the last `expect`. */
  seal(): void {
    this.#hashes = Buffer.alloc(this.size * sha256Length);
    this.#origins = new Uint8Array(this.size);
  }

  name({ objectId, versionId, size, sha256 }: IndexedPack): void {
    const place = this.#places.get(nameOf(objectId));
    if (place === undefined || sha256.length !== sha256Length) return;
    const isSame = this.#checks[place] === versionCheck(versionId);
    const wasWithout = this.#checks[place] === 0;
    const origin = isSame || wasWithout ? 2 : 1;
    if (origin <= (this.#origins[place] ?? 0)) return;
    this.#origins[place] = origin;
    this.#versionIds[place] = isSame || !wasWithout ? versionId : null;
    this.#sizes[place] = size;
    this.#hashes.set(sha256, place * sha256Length);
  }

  *rows(): Generator<ExpectedPack> {
    const { locationId, policyId } = this;
    for (const name of [...this.#places.keys()].toSorted()) {
      const place = this.#places.get(name) ?? 0;
      const origin = origins[this.#origins[place] ?? 0] ?? 'unnamed';
      const at = place * sha256Length;
      yield {
        locationId,
        policyId,
        objectId: Buffer.from(name, 'latin1'),
        number: this.#numbers[place] ?? 0,
        versionId: this.#versionIds[place] ?? null,
        size: this.#sizes[place] ?? 0,
        sha256: origin === 'unnamed' ? new Uint8Array(0) : this.#hashes.subarray(at, at + sha256Length),
        origin,
      };
    }
  }
}

/** The packs that a copy leaves out, and what indexes say of them, as it comes. */
export class ExpectedPacks {
  readonly #groups: Map<string, PackGroup> = new Map();

  constructor(database: DatabaseSync) {
    for (const { locationId, policyId, packs } of readLeftOut(database)) {
      const known = this.#groups.get(`${locationId}/${policyId}`);
      const group = known ?? new PackGroup(locationId, policyId);
      if (known === undefined) this.#groups.set(`${locationId}/${policyId}`, group);
      for (const { objectId, number, versionCheck: check } of packs) group.expect(objectId, number, check);
    }
    for (const group of this.#groups.values()) group.seal();
  }

  get count(): number {
    return [...this.#groups.values()].reduce((sum, { size }) => sum + size, 0);
  }

  get locationIds(): readonly string[] {
    return [...new Set([...this.#groups.values()].map(({ locationId }) => locationId))];
  }

  /** Packs that were not left out say nothing. */
  name(pack: IndexedPack): void {
    this.#groups.get(`${pack.locationId}/${pack.policyId}`)?.name(pack);
  }

  /** By location and policy, of one by id: in the order of their keys. */
  *rows(): Generator<ExpectedPack> {
    for (const group of this.#groups.values()) yield* group.rows();
  }
}

function nameOf(objectId: Uint8Array): string {
  return Buffer.from(objectId.buffer, objectId.byteOffset, objectId.length).toString('latin1');
}
