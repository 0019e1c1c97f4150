import type { PolicyId } from '../../../protocol/ids.ts';
import type { ObjectBody, ObjectStore } from '../../locations/objectStore.ts';
import { hexOf } from '../../repository/bytes.ts';
import { isUnreadable } from '../../repository/chunkReader.ts';
import { headerLength } from '../../repository/header.ts';
import type { PolicyKeySource } from '../../repository/keySource.ts';
import { manifestReadLength, type OpenedManifest, openManifest, openManifestHeader } from '../../repository/manifest.ts';
import { parseObjectKey } from '../../repository/names.ts';
import { plaintextLengthOf, segmentLength } from '../../repository/padding.ts';
import { refusal } from '../../repository/refusal.ts';
import { openRange, planRange } from '../../repository/segments.ts';

export interface StrangerManifestsOptions {
  readonly store: ObjectStore;
  readonly policyId: PolicyId;
  readonly keys: PolicyKeySource;
}

/** What a listing says of an object that has the name of a manifest. */
export interface ListedManifest {
  readonly key: string;
  readonly versionId: string | null;
}

/** Headers that are read at once. */
const lanes = 8;

/**
 * Finds the authentic ones among manifests that nobody here knows, at a location where anybody with the credentials can put any number of any size: of each the
 * header is read, which nobody makes up without the master key, and of those whose header holds no more than one step behind what is authentic. What can not be
 * read as a manifest is tried twice: an answer that was wrong once gives nothing away.
 */
export class StrangerManifests {
  readonly #options: StrangerManifestsOptions;

  constructor(options: StrangerManifestsOptions) {
    this.#options = options;
  }

  /** Rejects as stores do, and with the signal. */
  async open(listed: readonly ListedManifest[], signal: AbortSignal): Promise<readonly OpenedManifest[]> {
    const found: OpenedManifest[] = [];
    const ids = new Set<string>();
    for (const one of await this.#withHeader(listed, signal)) {
      const name = parseObjectKey(one.key);
      // An id names one byte string, and the bytes name their key: under another one there is a copy.
      if (name?.type !== 'manifest' || ids.has(hexOf(name.objectId))) continue;
      const opened = await twice(() => this.#read(one, signal));
      if (opened === undefined) continue;
      ids.add(hexOf(name.objectId));
      found.push(opened);
    }
    return found;
  }

  async #withHeader(listed: readonly ListedManifest[], signal: AbortSignal): Promise<readonly ListedManifest[]> {
    const holds = new Set<ListedManifest>();
    const queue = listed.values();
    const work = async (): Promise<void> => {
      for (const one of queue) if ((await twice(() => this.#header(one, signal))) !== undefined) holds.add(one);
    };
    await Promise.all(Array.from({ length: lanes }, work));
    return listed.filter((one) => holds.has(one));
  }

  async #header(one: ListedManifest, signal: AbortSignal): Promise<Pick<ObjectBody, 'body' | 'size'>> {
    const { keys, policyId, store } = this.#options;
    const head = await this.#get(one, 0, headerLength, signal);
    if (head.size > manifestReadLength) throw refusal(subjectOf(one), 'storedLength', `no manifest has ${head.size} bytes`);
    openManifestHeader(head.body, head.size, keys, { key: one.key, policyId, storeId: store.storeId }, subjectOf(one));
    return head;
  }

  async #read(one: ListedManifest, signal: AbortSignal): Promise<OpenedManifest> {
    const { keys, policyId, store } = this.#options;
    const subject = subjectOf(one);
    const expected = { key: one.key, policyId, storeId: store.storeId };
    const { body, size } = await this.#header(one, signal);
    const key = openManifestHeader(body, size, keys, expected, subject);
    const length = plaintextLengthOf(size - headerLength) ?? 0;
    const parts = [body];
    for (let at = 0, step = segmentLength; at < length; at += step, step *= 2) {
      const plan = planRange(size, at, Math.min(step, length - at), subject);
      const part = await this.#get(one, plan.storedOffset, plan.storedLength, signal);
      if (part.size !== size) throw refusal(subject, 'storedLength', `it has ${part.size} bytes after ${size}`);
      openRange(key, plan, part.body, subject);
      parts.push(part.body);
    }
    return openManifest(Buffer.concat(parts), keys, expected, subject);
  }

  async #get(one: ListedManifest, offset: number, length: number, signal: AbortSignal): Promise<ObjectBody> {
    const { key, versionId } = one;
    const found = await this.#options.store.get(key, { offset, length, signal, ...(versionId === null ? {} : { versionId }) });
    if (found === undefined) throw refusal(subjectOf(one), 'missing', 'it is not there', 'objectMissing');
    return found;
  }
}

function subjectOf({ key }: ListedManifest): string {
  return `restore point ${key.slice(key.lastIndexOf('/') + 1)}`;
}

async function twice<T>(read: () => Promise<T>): Promise<T | undefined> {
  for (let tries = 0; tries < 2; tries += 1) {
    try {
      return await read();
    } catch (error) {
      if (!isUnreadable(error)) throw error;
    }
  }
  return undefined;
}
