import { randomBytes } from 'node:crypto';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { ObjectStore } from '../objectStore.ts';
import type { StoreFeatures } from '../validatedFacts.ts';
import type { CheckFolder } from './checkFolder.ts';
import { type CheckList, failed, failedForLocks, type Outcome, warned } from './checkList.ts';

const canaryLength = 65_536;
const warnedSkewMs = 60_000;
const failedSkewMs = 300_000;
const minuteMs = 60_000;
const otherStore = 'Use a store that does what S3 does.';

/** Opens the bucket as a store with these features, whatever marker is there. */
export type OpenWith = (features: StoreFeatures) => Promise<ObjectStore>;

export interface CanaryOptions {
  readonly list: CheckList;
  readonly folder: CheckFolder;
  readonly open: OpenWith;
  /** The versioning of the bucket is on, or was. */
  readonly hasVersions: boolean;
  /** Object Lock is on, or may be. */
  readonly hasLocks: boolean;
  readonly now: () => Date;
  readonly signal?: AbortSignal;
}

interface Canary {
  readonly store: ObjectStore;
  readonly features: StoreFeatures;
  readonly key: string;
  readonly versionId: string | null;
  readonly bytes: Uint8Array;
}

/**
 * Tries with small objects without a lock what backups, restores and the keeping of locks will ask for. Resolves to what the store was seen to know;
 * `undefined` where nothing can be put. What it put is for the caller to clear.
 */
export async function tryCanary(
  options: CanaryOptions,
): Promise<{ readonly store: ObjectStore; readonly features: StoreFeatures } | undefined> {
  const canary = await putCanary(options);
  if (canary === undefined) return undefined;
  const { list } = options;
  const { store, key, bytes } = canary;
  const reading = signalOf(options);
  if (options.hasVersions) {
    await list.check('versionId', () =>
      canary.versionId === null
        ? failedForLocks('The store names no version of what was put: nothing could be read or locked by its version.', otherStore)
        : { detail: 'The store names the version of what was put.' },
    );
  }
  let isConditional = false;
  await list.check('putIfAbsent', async () => {
    const outcome = await putIfAbsent(options, canary);
    isConditional = outcome.result === undefined;
    return outcome;
  });
  await list.check('readBack', async () =>
    same((await store.get(key, { ...reading, versionId: canary.versionId }))?.body, bytes, 'The object was read back.'),
  );
  const range = { offset: 1000, length: 5000 };
  await list.check('rangeRead', async () =>
    same(
      (await store.get(key, { ...reading, ...range, versionId: canary.versionId }))?.body,
      bytes.subarray(range.offset, range.offset + range.length),
      'A part of it was read.',
    ),
  );
  await list.check('missing', async () =>
    (await store.head(options.folder.key('nothing'), reading)) === undefined
      ? { detail: 'What is not there is told so.' }
      : failed('The store says of an object that nobody put that it is there.', otherStore),
  );
  await list.check('list', () => listed(options, canary));
  if (store.versions !== undefined && canary.versionId !== null) {
    const { versionId } = canary;
    await list.check('listVersions', () => versionListed(options, canary, versionId));
    const isLockRead = options.hasLocks && (await list.check('readLock', () => readLock(options, canary, versionId), true));
    if (isLockRead) await list.check('pastLock', () => pastLock(options, canary, versionId), true);
  }
  await list.check('clock', () => clock(options, canary), true);
  const isDeleted = await list.check('delete', () => deleted(options, canary));
  if (isDeleted && options.hasLocks && store.versions !== undefined && canary.versionId !== null) {
    const { versionId } = canary;
    await list.check('extendLock', () => extendLock(options, canary, versionId), true);
  }
  return { store, features: { ...canary.features, conditionalPut: isConditional } };
}

const signalOf = ({ signal }: { readonly signal?: AbortSignal }): { readonly signal?: AbortSignal } =>
  signal === undefined ? {} : { signal };

/** With all that a put may carry first, and with less where the store does not know it. */
async function putCanary(options: CanaryOptions): Promise<Canary | undefined> {
  const { list, folder, open, hasVersions } = options;
  const ways = [
    { encryption: true, checksum: 'crc32', conditionalPut: true },
    { encryption: false, checksum: 'crc32', conditionalPut: true },
    { encryption: false, checksum: 'none', conditionalPut: true },
    { encryption: false, checksum: 'none', conditionalPut: false },
  ] as const;
  let canary: Canary | undefined;
  await list.check('put', async () => {
    let problem: unknown;
    for (const [index, way] of ways.entries()) {
      const features = { ...way, versions: hasVersions };
      const key = folder.key(`canary-${index + 1}`);
      const bytes = randomBytes(canaryLength);
      try {
        const store = await open(features);
        const { versionId } = await store.put(key, bytes, signalOf(options));
        folder.remember(key, versionId);
        canary = { store, features, key, versionId, bytes };
        return { detail: 'A small object was put.' };
      } catch (error) {
        // Some stores answer what they do not know with an error of their own, and a policy may refuse SSE-S3.
        if (!HoldfastError.is(error, 'storeFailed', 'notInThisVersion', 'storeRefused')) throw error;
        if (problem === undefined || !HoldfastError.is(error, 'storeFailed')) problem = error;
      }
    }
    throw problem;
  });
  return canary;
}

async function putIfAbsent(options: CanaryOptions, { store, features, key }: Canary): Promise<Outcome> {
  if (!features.conditionalPut) {
    return failedForLocks('The store knows no puts on the condition that nothing is there.', otherStore);
  }
  try {
    const { versionId } = await store.put(key, randomBytes(canaryLength), signalOf(options));
    options.folder.remember(key, versionId);
  } catch (error) {
    if (HoldfastError.is(error, 'objectExists')) return { detail: 'A second object of the same name is refused.' };
    throw error;
  }
  return failedForLocks('A second object of the same name was taken, although the put asked for nothing to be there.', otherStore);
}

async function listed(options: CanaryOptions, { store, key }: Canary): Promise<Outcome> {
  for await (const page of store.list(options.folder.prefix, signalOf(options))) {
    if (page.some((object) => object.key === key && object.size === canaryLength)) return { detail: 'The object is listed.' };
  }
  return failed('The object that was put is not listed.', otherStore);
}

async function versionListed(options: CanaryOptions, { store, key }: Canary, versionId: string): Promise<Outcome> {
  for await (const page of store.versions?.list(options.folder.prefix, signalOf(options)) ?? []) {
    if (page.some((version) => version.key === key && version.versionId === versionId && !version.isDeleteMarker)) {
      return { detail: 'Its version is listed.' };
    }
  }
  return failedForLocks('The version that was put is not listed.', otherStore);
}

async function readLock(options: CanaryOptions, { store, key }: Canary, versionId: string): Promise<Outcome> {
  const lock = await store.versions?.lockOf(key, versionId, signalOf(options));
  if (lock === null || lock === undefined) return { detail: 'The lock of an object can be read; this one has none.' };
  return failedForLocks(
    `The store locked what was put without a lock until ${lock.until.toISOString()}.`,
    'Remove the default retention of the bucket.',
  );
}

/** Harmless: a lock that ended long ago holds nothing. */
async function pastLock(options: CanaryOptions, { store, key }: Canary, versionId: string): Promise<Outcome> {
  try {
    await store.versions?.extend(key, versionId, { mode: 'governance', until: new Date('2000-01-01T00:00:00Z') }, signalOf(options));
  } catch (error) {
    if (HoldfastError.is(error, 'lockRefused', 'storeRefused')) return { detail: 'A lock that has ended already is refused.' };
    throw error;
  }
  return failedForLocks('The store took a lock that had ended long ago: it does not look at the locks that it is given.', otherStore);
}

async function clock(options: CanaryOptions, { store, key }: Canary): Promise<Outcome> {
  const before = options.now().getTime();
  const time = (await store.versions?.time(signalOf(options))) ?? (await store.head(key, signalOf(options)))?.lastModified;
  const after = options.now().getTime();
  if (time === undefined) return failed('The object that was put is not there.', otherStore);
  const skew = time.getTime() < before ? before - time.getTime() : Math.max(0, time.getTime() - after);
  if (skew <= warnedSkewMs) return { detail: "The store's clock agrees with this machine's." };
  const detail = `The store's clock and this machine's differ by ${Math.round(skew / 1000)} seconds.`;
  const fix = 'Set the clock of this machine, or that of the store.';
  return skew <= failedSkewMs ? warned(detail, fix) : failedForLocks(detail, fix);
}

async function deleted(options: CanaryOptions, { store, key, versionId }: Canary): Promise<Outcome> {
  const left = await options.folder.clear(store);
  if (left > 0)
    return failed(`${left} of the small objects of this check could not be deleted.`, 'Allow s3:DeleteObjectVersion on the bucket.');
  if (versionId !== null && (await store.head(key, { ...signalOf(options), versionId })) !== undefined) {
    return failed('An object that was deleted is still there.', otherStore);
  }
  return { detail: 'The object was deleted; nothing of this check is left.' };
}

/** On a version that is gone: a permission that is missing is told before what is missing, and nothing gets locked. */
async function extendLock(options: CanaryOptions, { store, key }: Canary, versionId: string): Promise<Outcome> {
  const until = new Date(options.now().getTime() + minuteMs);
  try {
    await store.versions?.extend(key, versionId, { mode: 'governance', until }, signalOf(options));
  } catch (error) {
    if (HoldfastError.is(error, 'objectMissing')) return { detail: 'Locks may be set and extended.' };
    throw error;
  }
  return failedForLocks('The store took a lock for an object that is not there.', otherStore);
}

function same(found: Uint8Array | undefined, expected: Uint8Array, detail: string): Outcome {
  if (found !== undefined && Buffer.compare(found, expected) === 0) return { detail };
  return failed('Other bytes came back than were put.', otherStore);
}
