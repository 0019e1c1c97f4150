import { checkObjectKey, checkPrefix } from '../../daemon/locations/objectKey.ts';
import type {
  GetOptions,
  ListedObject,
  ObjectBody,
  ObjectFacts,
  ObjectStore,
  PutOptions,
  PutResult,
  ReadOptions,
  StoreCapabilities,
} from '../../daemon/locations/objectStore.ts';
import { throwIfAborted } from '../../daemon/locations/storeErrors.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import type { StoreId } from '../../protocol/ids.ts';
import { newId } from './ids.ts';

export interface StoredVersion {
  readonly versionId: string;
  /** `undefined`: a delete marker. */
  body: Uint8Array | undefined;
  readonly lastModified: Date;
}

export interface MemoryStoreOptions {
  readonly storeId?: StoreId;
  /** Milliseconds since the epoch; a virtual clock's reading gives the versions their times. */
  readonly now?: () => number;
  /** With versions a delete without a version id leaves a delete marker; without them answers carry `null`. */
  readonly versions?: boolean;
  readonly pageLength?: number;
}

/**
 * An `ObjectStore` in memory. `objects` lies open for tests that play the attacker or the failing disk: change, cut, swap, drop as they need.
 */
export class MemoryStore implements ObjectStore {
  readonly storeId: StoreId;
  readonly capabilities: StoreCapabilities;
  /** The versions of each key, oldest first. */
  readonly objects: Map<string, StoredVersion[]> = new Map();
  readonly #now: () => number;
  readonly #pageLength: number;
  #lastVersion = 0;

  constructor(options: MemoryStoreOptions = {}) {
    this.storeId = options.storeId ?? newId<StoreId>();
    this.capabilities = { lock: 'soft', versions: options.versions ?? false, conditionalPut: true };
    this.#now = options.now ?? Date.now;
    this.#pageLength = options.pageLength ?? 1000;
  }

  async put(key: string, body: Uint8Array, options: PutOptions = {}): Promise<PutResult> {
    checkObjectKey(key);
    await settle(options.signal, `put object ${key}`);
    if (body.length === 0) throw new HoldfastError('badValue', `Failed to put object ${key}: it has no bytes.`);
    if (this.#current(key) !== undefined) {
      throw new HoldfastError('objectExists', `Failed to put object ${key}: an object of that name is there already.`);
    }
    return { versionId: this.#given(this.plant(key, body)), lock: null };
  }

  /** Adds a version as somebody with the store's credentials could, over whatever is there. */
  plant(key: string, body: Uint8Array | undefined): StoredVersion {
    this.#lastVersion += 1;
    const version: StoredVersion = {
      versionId: `v${String(this.#lastVersion).padStart(8, '0')}`,
      body: body === undefined ? undefined : Uint8Array.from(body),
      lastModified: new Date(this.#now()),
    };
    const versions = this.objects.get(key) ?? [];
    versions.push(version);
    this.objects.set(key, versions);
    return version;
  }

  /** Keys whose newest version is no delete marker, in order. */
  keys(prefix = ''): readonly string[] {
    return [...this.objects.keys()].filter((key) => key.startsWith(prefix) && this.#current(key) !== undefined).toSorted(byBytes);
  }

  /** Replaces the bytes of the newest version in place: what a failing disk does. */
  damage(key: string, change: (bytes: Uint8Array) => Uint8Array): void {
    const version = this.#current(key);
    if (version?.body === undefined) throw new Error(`nothing to damage at ${key}`);
    version.body = change(Uint8Array.from(version.body));
  }

  async head(key: string, options: ReadOptions = {}): Promise<ObjectFacts | undefined> {
    checkObjectKey(key);
    await settle(options.signal, `look for object ${key}`);
    const found = this.#find(key, options.versionId);
    return found === undefined ? undefined : this.#facts(key, found);
  }

  async get(key: string, options: GetOptions = {}): Promise<ObjectBody | undefined> {
    checkObjectKey(key);
    await settle(options.signal, `read object ${key}`);
    const found = this.#find(key, options.versionId);
    if (found === undefined) return undefined;
    const { offset = 0, into } = options;
    const wanted = found.body.subarray(offset, options.length === undefined ? undefined : offset + options.length);
    if (into !== undefined && into.length < wanted.length) {
      throw new HoldfastError('badValue', `Failed to read object ${key}: the buffer holds ${into.length} of ${wanted.length} bytes.`);
    }
    const body = (into ?? new Uint8Array(wanted.length)).subarray(0, wanted.length);
    body.set(wanted);
    return { ...this.#facts(key, found), body, offset };
  }

  async *list(prefix: string, options: { readonly signal?: AbortSignal } = {}): AsyncIterable<readonly ListedObject[]> {
    checkPrefix(prefix);
    const keys = this.keys(prefix);
    for (let at = 0; at < keys.length; at += this.#pageLength) {
      await settle(options.signal, `list objects below "${prefix}"`);
      yield keys.slice(at, at + this.#pageLength).flatMap((key) => {
        const found = this.#find(key, undefined);
        if (found === undefined) return [];
        return [{ key, versionId: this.#given(found), size: found.body.length, lastModified: found.lastModified }];
      });
    }
    await settle(options.signal, `list objects below "${prefix}"`);
  }

  async delete(key: string, versionId: string | null, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    checkObjectKey(key);
    await settle(options.signal, `delete object ${key}`);
    const versions = this.objects.get(key);
    if (versions === undefined) return;
    if (!this.capabilities.versions) this.objects.delete(key);
    else if (versionId === null) this.plant(key, undefined);
    else {
      const left = versions.filter((version) => version.versionId !== versionId);
      if (left.length === 0) this.objects.delete(key);
      else this.objects.set(key, left);
    }
  }

  #current(key: string): StoredVersion | undefined {
    const newest = this.objects.get(key)?.at(-1);
    return newest?.body === undefined ? undefined : newest;
  }

  #find(key: string, versionId: string | null | undefined): (StoredVersion & { readonly body: Uint8Array }) | undefined {
    const asked = versionId === undefined || versionId === null || !this.capabilities.versions;
    const version = asked ? this.#current(key) : this.objects.get(key)?.find((each) => each.versionId === versionId);
    return version?.body === undefined ? undefined : { ...version, body: version.body };
  }

  #given(version: StoredVersion): string | null {
    return this.capabilities.versions ? version.versionId : null;
  }

  #facts(key: string, found: StoredVersion & { readonly body: Uint8Array }): ObjectFacts {
    return { key, versionId: this.#given(found), size: found.body.length, lastModified: found.lastModified, lock: null };
  }
}

/** Answers come in a later turn of the loop, as from a real store. */
async function settle(signal: AbortSignal | undefined, action: string): Promise<void> {
  throwIfAborted(signal, action);
  await new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
  throwIfAborted(signal, action);
}

function byBytes(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
