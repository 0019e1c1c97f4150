import type {
  GetOptions,
  ListedObject,
  ListedVersion,
  LockUntil,
  ObjectBody,
  ObjectFacts,
  PutOptions,
  PutResult,
  ReadOptions,
  StoreCapabilities,
  VersionedObjects,
} from '../../../daemon/locations/objectStore.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { StoreId } from '../../../protocol/ids.ts';
import { SeededRandom } from '../random.ts';
import type { VersionedStore } from './bucketStore.ts';

export type FaultVerb = 'put' | 'head' | 'get' | 'list' | 'delete' | 'listVersions' | 'lockOf' | 'extend' | 'time';

/** A probability from 0 to 1, for all verbs or for each. */
export type FaultRate = number | Readonly<Partial<Record<FaultVerb, number>>>;

export interface StoreFaults {
  /** Repeats the run; it is in the message of every error. */
  readonly seed: number;
  /** Nothing is done; 500, 503 or SlowDown as the store's client says them when its retries are used up: `storeFailed` or `storeUnreachable`. S1. */
  readonly unavailable?: FaultRate;
  /** It is done, and the caller sees `storeUnreachable`. S3. */
  readonly lostAnswers?: FaultRate;
  /** Reads give truncated, other, older or longer bytes and call it well. S5. */
  readonly wrongBytes?: number;
  /** Listings leave entries out, give them twice, or have pages without entries: the probability of each for an entry. S6. */
  readonly listingGaps?: number;
  readonly listingDuplicates?: number;
  readonly emptyPages?: number;
  /** Answers name no version. S4. */
  readonly missingVersionIds?: number;
  /** The first extension of each version is refused, as by a store that is not done with the put: `lockRefused`. S10. */
  readonly refusesFirstExtension?: boolean;
  /** Every n-th extension is refused: `lockRefused`. S10. */
  readonly refusesExtensionNumber?: number;
  /** Extensions of these keys are refused whatever happens. */
  readonly refusesExtensionOf?: (key: string) => boolean;
  /** That a version is gone for good from the moment that it is asked for. S9. */
  readonly vanishing?: number;
  /** Only keys of which this says so are hit; listings by their prefix. */
  readonly onlyKeys?: (key: string) => boolean;
}

export interface FaultyBucketStore extends VersionedStore {
  readonly seed: number;
  /** How many calls and entries were hit. */
  readonly hits: number;
  /** From now on no fault; what vanished stays away. */
  heal(): void;
  /** Other faults from now on, by the same generator. */
  become(faults: Omit<StoreFaults, 'seed'>): void;
  /** One version is gone from now on, whatever lock it has. */
  vanish(key: string, versionId: string): void;
}

/** Any store that has versions, with seeded faults. */
export function faultyStore(store: VersionedStore, faults: StoreFaults): FaultyBucketStore {
  return new FaultyStore(store, faults);
}

const rememberedBodies = 8;

class FaultyStore implements FaultyBucketStore {
  readonly seed: number;
  readonly versions: VersionedObjects;
  readonly #inner: VersionedStore;
  readonly #random: SeededRandom;
  readonly #vanished: Set<string> = new Set();
  readonly #extended: Set<string> = new Set();
  readonly #bodies: Uint8Array[] = [];
  #faults: Omit<StoreFaults, 'seed'>;
  #hits = 0;
  #extensions = 0;

  constructor(inner: VersionedStore, faults: StoreFaults) {
    this.seed = faults.seed;
    this.#inner = inner;
    this.#faults = faults;
    this.#random = new SeededRandom(faults.seed);
    this.versions = {
      list: (prefix, options): AsyncIterable<readonly ListedVersion[]> => this.#listVersions(prefix, options),
      lockOf: async (key, versionId, options): Promise<LockUntil | null> =>
        await this.#run('lockOf', key, async () => {
          this.#checkThere('read the lock of', key, versionId);
          return await inner.versions.lockOf(key, versionId, options);
        }),
      extend: async (key, versionId, lock, options): Promise<void> =>
        await this.#run('extend', key, async () => {
          this.#checkThere('extend the lock of', key, versionId);
          this.#checkExtension(key, versionId);
          await inner.versions.extend(key, versionId, lock, options);
        }),
      time: async (options): Promise<Date> => await this.#run('time', '', async () => await inner.versions.time(options)),
    };
  }

  get storeId(): StoreId {
    return this.#inner.storeId;
  }

  get capabilities(): StoreCapabilities {
    return this.#inner.capabilities;
  }

  get hits(): number {
    return this.#hits;
  }

  heal(): void {
    this.#faults = {};
  }

  become(faults: Omit<StoreFaults, 'seed'>): void {
    this.#faults = faults;
  }

  vanish(key: string, versionId: string): void {
    this.#vanished.add(`${key}\0${versionId}`);
  }

  async put(key: string, body: Uint8Array, options?: PutOptions): Promise<PutResult> {
    return await this.#run('put', key, async () => {
      const result = await this.#inner.put(key, body, options);
      return this.#isHit(this.#faults.missingVersionIds, key) ? { ...result, versionId: null } : result;
    });
  }

  async head(key: string, options?: ReadOptions): Promise<ObjectFacts | undefined> {
    return await this.#run('head', key, async () => this.#found(await this.#inner.head(key, options)));
  }

  async get(key: string, options?: GetOptions): Promise<ObjectBody | undefined> {
    return await this.#run('get', key, async () => {
      const found = this.#found(await this.#inner.get(key, options));
      if (found === undefined) return undefined;
      const body = this.#isHit(this.#faults.wrongBytes, key) ? this.#spoiled(found.body) : found.body;
      this.#remember(found.body);
      return { ...found, body };
    });
  }

  async *list(prefix: string, options?: { readonly signal?: AbortSignal }): AsyncIterable<readonly ListedObject[]> {
    yield* this.#pages('list', prefix, this.#inner.list(prefix, options));
  }

  async delete(key: string, versionId: string | null, options?: { readonly signal?: AbortSignal }): Promise<void> {
    await this.#run('delete', key, async () => await this.#inner.delete(key, versionId, options));
  }

  async *#listVersions(prefix: string, options?: { readonly signal?: AbortSignal }): AsyncIterable<readonly ListedVersion[]> {
    yield* this.#pages('listVersions', prefix, this.#inner.versions.list(prefix, options));
  }

  async *#pages<Entry extends ListedObject>(
    verb: FaultVerb,
    prefix: string,
    pages: AsyncIterable<readonly Entry[]>,
  ): AsyncIterable<readonly Entry[]> {
    for await (const page of pages) {
      if (this.#isHit(rate(this.#faults.unavailable, verb), prefix)) throw this.#unavailable(verb, prefix);
      if (this.#isHit(this.#faults.emptyPages, prefix)) yield [];
      yield page.flatMap((entry) => {
        if (this.#isGone(entry.key, entry.versionId) || this.#isHit(this.#faults.listingGaps, entry.key)) return [];
        return this.#isHit(this.#faults.listingDuplicates, entry.key) ? [entry, entry] : [entry];
      });
    }
  }

  async #run<Result>(verb: FaultVerb, key: string, act: () => Promise<Result>): Promise<Result> {
    if (this.#isHit(rate(this.#faults.unavailable, verb), key)) throw this.#unavailable(verb, key);
    const result = await act();
    if (this.#isHit(rate(this.#faults.lostAnswers, verb), key)) throw this.#error('storeUnreachable', verb, key, 'the answer is lost');
    return result;
  }

  #found<Facts extends ObjectFacts>(facts: Facts | undefined): Facts | undefined {
    if (facts === undefined || this.#isGone(facts.key, facts.versionId) || this.#vanishes(facts.key, facts.versionId)) return undefined;
    return this.#isHit(this.#faults.missingVersionIds, facts.key) ? { ...facts, versionId: null } : facts;
  }

  #checkThere(action: string, key: string, versionId: string): void {
    if (this.#isGone(key, versionId) || this.#vanishes(key, versionId)) {
      throw this.#error('objectMissing', action, key, 'the store does not have that version');
    }
  }

  #checkExtension(key: string, versionId: string): void {
    this.#extensions += 1;
    const { refusesFirstExtension, refusesExtensionNumber, refusesExtensionOf, onlyKeys } = this.#faults;
    const id = `${key}\0${versionId}`;
    const isFirst = refusesFirstExtension === true && !this.#extended.has(id);
    if (refusesFirstExtension === true) this.#extended.add(id);
    const isCounted = refusesExtensionNumber !== undefined && this.#extensions % refusesExtensionNumber === 0;
    if (refusesExtensionOf?.(key) !== true && ((!isFirst && !isCounted) || onlyKeys?.(key) === false)) return;
    this.#hits += 1;
    throw this.#error('lockRefused', 'extend the lock of', key, 'the store answered AccessDenied');
  }

  #vanishes(key: string, versionId: string | null): boolean {
    if (versionId === null || !this.#isHit(this.#faults.vanishing, key)) return false;
    this.vanish(key, versionId);
    return true;
  }

  #isGone(key: string, versionId: string | null): boolean {
    return this.#vanished.has(`${key}\0${versionId ?? ''}`);
  }

  #isHit(probability: number | undefined, key: string): boolean {
    if (probability === undefined || probability === 0 || this.#faults.onlyKeys?.(key) === false) return false;
    const isHit = this.#random.next() < probability;
    if (isHit) this.#hits += 1;
    return isHit;
  }

  #remember(body: Uint8Array): void {
    if (this.#bodies.some((one) => Buffer.compare(one, body) === 0)) return;
    if (this.#bodies.push(Uint8Array.from(body)) > rememberedBodies) this.#bodies.shift();
  }

  #spoiled(body: Uint8Array): Uint8Array {
    const kind = this.#random.below(5);
    const older = this.#bodies[this.#random.below(this.#bodies.length)];
    if (kind === 0 && older !== undefined && Buffer.compare(older, body) !== 0) return Uint8Array.from(older);
    if (kind === 1) return body.slice(0, this.#random.below(body.length));
    if (kind === 2) return Buffer.concat([body, this.#random.bytes(1 + this.#random.below(64))]);
    if (kind === 3) return this.#random.bytes(body.length);
    const flipped = Uint8Array.from(body);
    const at = this.#random.below(flipped.length);
    flipped[at] = (flipped[at] ?? 0) ^ (1 << this.#random.below(8));
    return flipped;
  }

  #unavailable(verb: FaultVerb, key: string): HoldfastError {
    const answer = (['500 InternalError', '503 ServiceUnavailable', '503 SlowDown'] as const)[this.#random.below(3)] ?? '503 SlowDown';
    return this.#error(answer.startsWith('500') ? 'storeFailed' : 'storeUnreachable', verb, key, `the store answered ${answer}`);
  }

  #error(
    code: 'storeFailed' | 'storeUnreachable' | 'objectMissing' | 'lockRefused',
    action: string,
    key: string,
    reason: string,
  ): HoldfastError {
    return HoldfastError.failedTo(code, `${action} object ${key}`, `${reason} (injected, seed ${this.seed})`, {
      fix: `Repeat the run with seed ${this.seed}.`,
      details: { seed: this.seed },
    });
  }
}

function rate(given: FaultRate | undefined, verb: FaultVerb): number | undefined {
  return typeof given === 'number' ? given : given?.[verb];
}
