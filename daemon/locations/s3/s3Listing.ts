import { ListObjectsV2Command, ListObjectVersionsCommand, type ListObjectVersionsCommandOutput } from '@aws-sdk/client-s3';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { ListedObject, ListedVersion } from '../objectStore.ts';
import type { S3Bucket } from './s3Bucket.ts';

/**
 * Every version and delete marker below a prefix that is ours to see, in the order of the store: by key, and of each key the newest first. What the store
 * gives twice, in a page or the next, comes once. Pages may be empty.
 */
export async function* versionPages(
  bucket: S3Bucket,
  prefix: string,
  signal: AbortSignal | undefined,
  onOther?: (entry: ListedVersion) => void,
): AsyncGenerator<readonly ListedVersion[], void, undefined> {
  const action = `list versions below "${prefix}"`;
  let from: { readonly KeyMarker?: string; readonly VersionIdMarker?: string } = {};
  const path = new PagePath();
  // Of two pages: others may have put a million versions upon one key.
  let before: ReadonlySet<string> = new Set();
  for (;;) {
    const start = from;
    const output = await bucket.call({ action, permission: 's3:ListBucketVersions', signal }, ({ client, options }) =>
      client.send(
        new ListObjectVersionsCommand({ Bucket: bucket.name, Prefix: bucket.fullKey(prefix), EncodingType: 'url', ...start }),
        options,
      ),
    );
    const now = new Set<string>();
    const page = inOrder({ bucket, prefix, action, onOther }, output).filter(({ key, versionId }) => {
      // A store that gives more than it was asked for must not get it looked at as something else.
      if (!key.startsWith(prefix)) return false;
      const name = `${key} ${versionId}`;
      if (before.has(name) || now.has(name)) return false;
      now.add(name);
      return true;
    });
    if (page.length > 0) before = now;
    yield page;
    if (output.IsTruncated !== true) return;
    const KeyMarker = decoded(output.NextKeyMarker, output.EncodingType);
    const VersionIdMarker = output.NextVersionIdMarker;
    if (KeyMarker === undefined || !path.goesOnAt(JSON.stringify([KeyMarker, VersionIdMarker]))) throw standsStill(action);
    from = { KeyMarker, ...(VersionIdMarker === undefined || VersionIdMarker === '' ? {} : { VersionIdMarker }) };
  }
}

/** The objects of a bucket without versions, in key order as far as the store goes through them so: some walk folders, and have `a/b` before `a-b`. */
export async function* objectPages(
  bucket: S3Bucket,
  prefix: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly ListedObject[], void, undefined> {
  const action = `list objects below "${prefix}"`;
  let token: string | undefined;
  let last = '';
  const path = new PagePath();
  for (;;) {
    const start = token === undefined ? {} : { ContinuationToken: token };
    const output = await bucket.call({ action, permission: 's3:ListBucket', signal }, ({ client, options }) =>
      client.send(
        new ListObjectsV2Command({ Bucket: bucket.name, Prefix: bucket.fullKey(prefix), EncodingType: 'url', ...start }),
        options,
      ),
    );
    const page: ListedObject[] = [];
    for (const { Key, Size, LastModified } of output.Contents ?? []) {
      const key = ownKeyOf(bucket, Key, output.EncodingType);
      if (key === undefined || !key.startsWith(prefix) || key === last || LastModified === undefined || Size === undefined) continue;
      if (!isSize(Size)) throw malformed(action, 'the listing of the store is malformed');
      last = key;
      page.push({ key, versionId: null, size: Size, lastModified: LastModified });
    }
    yield page.toSorted((one, other) => (one.key < other.key ? -1 : 1));
    if (output.IsTruncated !== true) return;
    if (output.NextContinuationToken === undefined || !path.goesOnAt(output.NextContinuationToken)) throw standsStill(action);
    token = output.NextContinuationToken;
  }
}

/**
 * Of each key its oldest version. The order of the store says which that is, not the dates: some stores give a version a new date when its lock is extended.
 * A key's history may be cut by the end of a page.
 */
export async function* oldestPages(
  bucket: S3Bucket,
  prefix: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly ListedObject[], void, undefined> {
  let oldest: ListedObject | undefined;
  for await (const page of versionPages(bucket, prefix, signal)) {
    const found: ListedObject[] = [];
    for (const { key, versionId, size, lastModified, isDeleteMarker } of page) {
      if (oldest !== undefined && oldest.key !== key) {
        found.push(oldest);
        oldest = undefined;
      }
      if (!isDeleteMarker) oldest = { key, versionId, size, lastModified };
    }
    yield found;
  }
  if (oldest !== undefined) yield [oldest];
}

/** The versions of one key, newest first, without delete markers. */
export async function* versionsOf(
  bucket: S3Bucket,
  key: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<ListedObject, void, undefined> {
  let isFound = false;
  for await (const page of versionPages(bucket, key, signal)) {
    for (const { key: listed, versionId, size, lastModified, isDeleteMarker } of page) {
      if (listed !== key) continue;
      isFound = true;
      if (!isDeleteMarker) yield { key, versionId, size, lastModified };
    }
    // Keys that only begin so come behind it.
    if (isFound && page.length > 0 && page.at(-1)?.key !== key) return;
  }
}

/** What a read without a version id means. However many versions others have put upon it, one is held at a time. */
export async function oldestOf(bucket: S3Bucket, key: string, signal: AbortSignal | undefined): Promise<ListedObject | undefined> {
  let oldest: ListedObject | undefined;
  for await (const version of versionsOf(bucket, key, signal)) oldest = version;
  return oldest;
}

interface Asked {
  readonly bucket: S3Bucket;
  readonly prefix: string;
  readonly action: string;
  readonly onOther: ((entry: ListedVersion) => void) | undefined;
}

function inOrder({ bucket, prefix, action, onOther }: Asked, output: ListObjectVersionsCommandOutput): readonly ListedVersion[] {
  const { isDeleteMarker } = bucket.factsOf(output);
  const versions = output.Versions ?? [];
  const markers = output.DeleteMarkers ?? [];
  if (isDeleteMarker.length !== versions.length + markers.length || isDeleteMarker.filter(Boolean).length !== markers.length) {
    throw malformed(action, 'the listing of the store is malformed');
  }
  let version = 0;
  let marker = 0;
  return isDeleteMarker.flatMap((isMarker): readonly ListedVersion[] => {
    const listed = isMarker ? markers[marker++] : versions[version++];
    const { Key, VersionId, IsLatest = false, LastModified } = listed ?? {};
    const size = isMarker ? 0 : versions[version - 1]?.Size;
    const name = decoded(Key, output.EncodingType);
    if (name === undefined || VersionId === undefined || LastModified === undefined || size === undefined) return [];
    if (!isSize(size)) throw malformed(action, 'the listing of the store is malformed');
    const entry = { versionId: VersionId, isDeleteMarker: isMarker, isLatest: IsLatest, size, lastModified: LastModified };
    const key = bucket.ownKey(name);
    if (key !== undefined) return [{ key, ...entry }];
    if (name.startsWith(bucket.fullKey(prefix))) onOther?.({ key: name.slice(bucket.fullKey('').length), ...entry });
    return [];
  });
}

function isSize(size: number): boolean {
  return Number.isSafeInteger(size) && size >= 0;
}

function ownKeyOf(bucket: S3Bucket, key: string | undefined, encoding: string | undefined): string | undefined {
  const name = decoded(key, encoding);
  return name === undefined ? undefined : bucket.ownKey(name);
}

/** Names are asked for in the form of an address, since XML has no way to write all of those that others may put beside ours. */
function decoded(name: string | undefined, encoding: string | undefined): string | undefined {
  if (name === undefined || encoding !== 'url') return name;
  try {
    return decodeURIComponent(name.replaceAll('+', ' '));
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

/** Finds out that pages go in a circle of any length, which a store of millions of pages does not, and remembers one of them: R. P. Brent, 1980. */
class PagePath {
  #seen: string | undefined;
  #steps = 0;
  #until = 1;

  goesOnAt(marker: string): boolean {
    if (marker === this.#seen) return false;
    this.#steps += 1;
    if (this.#steps === this.#until) {
      this.#seen = marker;
      this.#steps = 0;
      this.#until *= 2;
    }
    return true;
  }
}

function standsStill(action: string): HoldfastError {
  return malformed(action, 'the listing of the store does not go on');
}

function malformed(action: string, reason: string): HoldfastError {
  return HoldfastError.failedTo('storeFailed', action, reason, { fix: 'Use a store that lists as S3 does.' });
}
