import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type PutObjectCommandOutput,
} from '@aws-sdk/client-s3';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { StoreId } from '../../../protocol/ids.ts';
import { markerName } from '../marker.ts';
import { checkObjectKey, checkPrefix } from '../objectKey.ts';
import { DealtParts, type ObjectPart, type PartSink } from '../objectParts.ts';
import type {
  GetOptions,
  GetPartsOptions,
  ListedObject,
  ObjectBody,
  ObjectFacts,
  ObjectStore,
  PutOptions,
  PutResult,
  ReadOptions,
  StoreCapabilities,
  VersionedObjects,
} from '../objectStore.ts';
import type { S3Features } from './s3Options.ts';
import type { AnswerHead } from './answerReader.ts';
import { BodyPlace, bodyFacts, readBody, SlicedBody } from './s3Body.ts';
import type { S3Bucket } from './s3Bucket.ts';
import { askedEncryption, checkEncryption } from './s3Encryption.ts';
import { objectPages, oldestOf, oldestPages, versionsOf } from './s3Listing.ts';
import { lockFrom, S3Versions, sentLock } from './s3Versions.ts';

/** What S3 takes in one put. */
const largestPut = 5 * 1024 ** 3;

export interface S3StoreOptions {
  readonly storeId: StoreId;
  /** The location has its marker: where it is gone, nothing counts as missing. */
  readonly isMarked: boolean;
  readonly lock: StoreCapabilities['lock'];
  readonly features: S3Features & { readonly versions: boolean };
}

/** Objects in a bucket. */
export class S3ObjectStore implements ObjectStore {
  readonly storeId: StoreId;
  readonly capabilities: StoreCapabilities;
  readonly versions?: VersionedObjects;
  readonly #bucket: S3Bucket;
  readonly #features: S3Features;
  readonly #isMarked: boolean;

  constructor(bucket: S3Bucket, { storeId, isMarked, lock, features }: S3StoreOptions) {
    this.#isMarked = isMarked;
    this.#bucket = bucket;
    this.#features = features;
    this.storeId = storeId;
    this.capabilities = { lock, versions: features.versions, conditionalPut: features.conditionalPut ?? true };
    if (features.versions) this.versions = new S3Versions(bucket);
  }

  async put(key: string, body: Uint8Array, options: PutOptions = {}): Promise<PutResult> {
    checkObjectKey(key);
    const action = `put object ${key}`;
    const { signal, lock = null } = options;
    if (body.length === 0) throw new HoldfastError('badValue', `Failed to ${action}: it has no bytes.`);
    if (body.length > largestPut) throw new HoldfastError('badValue', `Failed to ${action}: it is larger than 5 GiB.`);
    const sha256 = options.sha256 === undefined ? hash('sha256', body, 'buffer') : Buffer.from(options.sha256);
    const { conditionalPut, versions } = this.capabilities;
    const mustBeAbsent = !versions || options.asFurtherVersion !== true;
    if (mustBeAbsent && !conditionalPut && (await this.#isThere(key, signal))) throw objectExists(action);
    const input = {
      Bucket: this.#bucket.name,
      Key: this.#bucket.fullKey(key),
      ContentLength: body.length,
      ...(mustBeAbsent && conditionalPut ? { IfNoneMatch: '*' } : {}),
      ...this.#checksumOf(body, sha256),
      ...(this.#features.encryption === true ? askedEncryption : {}),
      ...(lock === null ? {} : sentLock(lock)),
    };
    let output: PutObjectCommandOutput;
    try {
      const permission = lock === null ? 's3:PutObject' : 's3:PutObject and s3:PutObjectRetention';
      const carried = lock === null ? {} : { lock: 'carried' as const };
      output = await this.#bucket.call({ action, permission, signal, ...carried }, ({ client, options: sending }) => {
        const command = new PutObjectCommand({ ...input, Body: new SlicedBody(body) });
        signedWith(command, sha256.toString('hex'));
        return client.send(command, sending);
      });
    } catch (error) {
      if (!HoldfastError.is(error, 'objectExists')) throw error;
      // Perhaps it was this very put, whose answer was lost.
      const versionId = await this.#oldestIf(key, body.length, sha256, signal);
      if (versionId === undefined) throw error;
      return { versionId, lock };
    }
    if (this.#features.encryption === true) checkEncryption(action, output.ServerSideEncryption);
    if (!this.capabilities.versions) return { versionId: null, lock };
    return { versionId: output.VersionId ?? (await this.#versionOf(action, key, body.length, sha256, signal)), lock };
  }

  async head(key: string, options: ReadOptions = {}): Promise<ObjectFacts | undefined> {
    checkObjectKey(key);
    const { signal } = options;
    const version = await this.#versionToRead(key, options);
    if (version === undefined) return undefined;
    const found = await orUnread(
      this.#named(key, version.versionId, signal, () =>
        this.#bucket.call({ action: `look for object ${key}`, permission: 's3:GetObjectVersion', signal }, ({ client, options: sending }) =>
          client.send(new HeadObjectCommand(this.#addressOf(key, version.versionId)), sending),
        ),
      ),
    );
    if (found === undefined) return await this.#nothing(signal);
    const { ContentLength: size, LastModified: lastModified } = found;
    if (size === undefined || lastModified === undefined || found.DeleteMarker === true) return undefined;
    const lock = lockFrom(found.ObjectLockMode, found.ObjectLockRetainUntilDate);
    return { key, versionId: version.versionId, size, lastModified, lock };
  }

  async get(key: string, options: GetOptions = {}): Promise<ObjectBody | undefined> {
    checkObjectKey(key);
    const action = `read object ${key}`;
    const { signal, offset = 0, length, into } = options;
    const version = await this.#versionToRead(key, options);
    if (version === undefined) return undefined;
    const isWhole = offset === 0 && length === undefined;
    if (length === 0 || (version.listed !== undefined && offset >= version.listed.size)) return await this.#emptyPart(key, offset, options);
    const asked = isWhole ? undefined : { offset, ...(length === undefined ? {} : { length }) };
    const Range = isWhole ? undefined : `bytes=${offset}-${length === undefined ? '' : offset + length - 1}`;
    const send = async (): Promise<ObjectBody | undefined> =>
      await this.#bucket.call({ action, permission: 's3:GetObjectVersion', signal }, async ({ client, reads, options: sending }) => {
        const command = new GetObjectCommand({ ...this.#addressOf(key, version.versionId), ...(Range === undefined ? {} : { Range }) });
        const place = new BodyPlace(action, asked, into);
        const take = ({ length: ContentLength, headers }: AnswerHead): Uint8Array =>
          place.take({ ContentLength, ContentRange: headers['content-range'] }).body;
        reads?.carry(command, take, signal);
        const output = await client.send(command, sending);
        const { Body, LastModified: lastModified } = output;
        try {
          if (reads === undefined) await readBody(action, Body, place.take(output).body);
          if (lastModified === undefined) throw badAnswer(action, 'the answer has no date');
          if (version.versionId !== null && output.VersionId !== undefined && output.VersionId !== version.versionId) {
            throw badAnswer(action, 'another version came than was asked for');
          }
          const lock = lockFrom(output.ObjectLockMode, output.ObjectLockRetainUntilDate);
          const { body, size } = place.taken;
          return { key, versionId: version.versionId, size, lastModified, lock, body, offset };
        } catch (error) {
          discard(Body);
          throw error;
        }
      });
    try {
      return (await orUnread(send())) ?? (await this.#nothing(signal));
    } catch (error) {
      if (!isBeyondEnd(error)) throw error;
      return await this.#emptyPart(key, offset, options);
    }
  }

  async getParts(key: string, { parts, size, sink, versionId, signal }: GetPartsOptions): Promise<'there' | undefined> {
    checkObjectKey(key);
    const action = `read object ${key}`;
    const reading = { ...(versionId === undefined ? {} : { versionId }), ...(signal === undefined ? {} : { signal }) };
    const version = await this.#versionToRead(key, reading);
    if (version === undefined) return undefined;
    let next = 0;
    const counted: PartSink = {
      memory: (part) => sink.memory(part),
      filled: (part) => {
        next = part + 1;
        sink.filled(part);
      },
    };
    while (next < parts.length) {
      const before = next;
      try {
        const found = this.#bucket.hasReads
          ? await orUnread(
              this.#dealParts(action, this.#addressOf(key, version.versionId), { parts, size, sink: counted, ...reading }, () => next),
            )
          : await this.#getPart(key, parts[next], { ...reading, versionId: version.versionId, size, sink: counted }, next);
        if (found === undefined) return await this.#nothing(signal);
      } catch (error) {
        // A reader that had to wait is cut off by some stores: as long as more comes each time, it is gone on with.
        if (next === before || !HoldfastError.is(error, 'storeFailed', 'storeUnreachable') || isTooSlow(error)) throw error;
      }
    }
    return 'there';
  }

  /** Asks for what is still to come of the parts, at each attempt. */
  async #dealParts(
    action: string,
    address: { readonly Bucket: string; readonly Key: string; readonly VersionId?: string },
    { parts, size, sink, signal }: GetPartsOptions,
    next: () => number,
  ): Promise<'there' | undefined> {
    return await this.#bucket.call<'there'>({ action, permission: 's3:GetObjectVersion', signal }, async ({ client, reads, options }) => {
      const first = next();
      const [from, to] = [parts[first], parts.at(-1)];
      if (from === undefined || to === undefined) return 'there';
      const asked = { offset: from.offset, length: to.offset + to.length - from.offset };
      let dealt: DealtParts | undefined;
      const command = new GetObjectCommand({ ...address, Range: `bytes=${asked.offset}-${asked.offset + asked.length - 1}` });
      reads?.carry(
        command,
        ({ length: ContentLength, headers }) => {
          const facts = bodyFacts(action, asked, { ContentLength, ContentRange: headers['content-range'] });
          if (facts.size !== size || facts.length !== asked.length) throw otherSize(action, facts.size);
          const { 'x-amz-version-id': came = address.VersionId } = headers;
          if (address.VersionId !== undefined && came !== address.VersionId)
            throw badAnswer(action, 'another version came than was asked for');
          dealt = new DealtParts(parts, first, sink);
          return dealt;
        },
        signal,
      );
      try {
        await client.send(command, options);
      } finally {
        dealt?.stop();
      }
      return 'there';
    });
  }

  /** One part by a request of its own. */
  async #getPart(
    key: string,
    part: ObjectPart | undefined,
    { sink, size, ...reading }: Omit<GetPartsOptions, 'parts'>,
    number: number,
  ): Promise<'there' | undefined> {
    if (part === undefined) return 'there';
    const into = (await sink.memory(number)).subarray(0, part.length);
    const found = await this.get(key, { ...reading, ...part, into });
    if (found === undefined) return undefined;
    if (found.size !== size || found.body.length !== part.length) throw otherSize(`read object ${key}`, found.size);
    sink.filled(number);
    return 'there';
  }

  async *list(prefix: string, options: { readonly signal?: AbortSignal } = {}): AsyncIterable<readonly ListedObject[]> {
    checkPrefix(prefix);
    const pages = this.capabilities.versions
      ? oldestPages(this.#bucket, prefix, options.signal)
      : objectPages(this.#bucket, prefix, options.signal);
    let isEmpty = true;
    for await (const page of pages) {
      const objects = page.filter(({ key }) => key !== markerName);
      isEmpty &&= page.length === 0;
      if (objects.length > 0) yield objects;
    }
    if (isEmpty) await this.#nothing(options.signal);
  }

  /** Without a version id: the one that reads see. A delete without one would remove nothing, and leave a marker. */
  async delete(key: string, versionId: string | null, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    checkObjectKey(key);
    const { signal } = options;
    if (versionId !== null || !this.capabilities.versions) return await this.#delete(key, versionId, signal);
    const oldest = await oldestOf(this.#bucket, key, signal);
    if (oldest !== undefined) await this.#delete(key, oldest.versionId, signal);
  }

  async #delete(key: string, versionId: string | null, signal: AbortSignal | undefined): Promise<void> {
    const action = `delete object ${key}`;
    const permission = versionId === null ? 's3:DeleteObject' : 's3:DeleteObjectVersion';
    try {
      await orMissing(
        this.#bucket.call({ action, permission, signal }, ({ client, options }) =>
          client.send(new DeleteObjectCommand(this.#addressOf(key, versionId)), options),
        ),
      );
    } catch (error) {
      if (!HoldfastError.is(error, 'storeRefused') || versionId === null || this.versions === undefined) throw error;
      const lock = await this.versions.lockOf(key, versionId, signal === undefined ? {} : { signal });
      if (lock === null) throw error;
      throw HoldfastError.failedTo('lockRefused', action, `it is locked until ${lock.until.toISOString()}`, {
        fix: 'Try again when the lock has ended.',
        cause: error,
      });
    }
  }

  /** The answer to a HEAD has no body to say what is wrong: a refused one is asked as a GET, which does, or gets new credentials and leaves it right. */
  async #named<T>(key: string, versionId: string | null, signal: AbortSignal | undefined, look: () => Promise<T>): Promise<T> {
    try {
      return await look();
    } catch (error) {
      const status = HoldfastError.is(error) && error.details?.['error'] === undefined ? error.details?.['status'] : undefined;
      if (status !== 400 && status !== 403) throw error;
    }
    await this.get(key, { versionId, offset: 0, length: 1, ...(signal === undefined ? {} : { signal }) });
    return await look();
  }

  #addressOf(key: string, versionId: string | null): { readonly Bucket: string; readonly Key: string; readonly VersionId?: string } {
    return { Bucket: this.#bucket.name, Key: this.#bucket.fullKey(key), ...(versionId === null ? {} : { VersionId: versionId }) };
  }

  /** The version that a read means; `undefined` where the key has none. */
  async #versionToRead(
    key: string,
    { versionId, signal }: ReadOptions,
  ): Promise<{ readonly versionId: string | null; readonly listed?: ListedObject } | undefined> {
    if (!this.capabilities.versions) return { versionId: null };
    if (versionId !== undefined && versionId !== null) return { versionId };
    const listed = await oldestOf(this.#bucket, key, signal);
    if (listed === undefined) return await this.#nothing(signal);
    return { versionId: listed.versionId, listed };
  }

  /** A part that lies behind the end, or has no bytes, of an object that is there. */
  async #emptyPart(key: string, offset: number, { into, ...options }: GetOptions): Promise<ObjectBody | undefined> {
    const facts = await this.head(key, options);
    return facts === undefined ? undefined : { ...facts, body: (into ?? new Uint8Array(0)).subarray(0, 0), offset };
  }

  async #isThere(key: string, signal: AbortSignal | undefined): Promise<boolean> {
    return (await this.head(key, signal === undefined ? {} : { signal })) !== undefined;
  }

  /** "Not there" is only said of a store that is there: a HEAD does not tell a missing bucket, and a bucket that was made anew looks empty. */
  async #nothing(signal: AbortSignal | undefined): Promise<undefined> {
    const pages = this.capabilities.versions ? oldestPages : objectPages;
    for await (const page of pages(this.#bucket, markerName, signal)) if (page.some(({ key }) => key === markerName)) return undefined;
    if (this.#isMarked) throw markerMissing(this.#bucket.place);
    return undefined;
  }

  /** The oldest version's id where it has these bytes. */
  async #oldestIf(key: string, size: number, sha256: Buffer, signal: AbortSignal | undefined): Promise<string | null | undefined> {
    if (!this.capabilities.versions) return (await this.#hasBytes(key, null, size, sha256, signal)) ? null : undefined;
    const oldest = await oldestOf(this.#bucket, key, signal);
    if (oldest === undefined || oldest.size !== size || oldest.versionId === null) return undefined;
    return (await this.#hasBytes(key, oldest.versionId, size, sha256, signal)) ? oldest.versionId : undefined;
  }

  /** The id of the version that was put now, where the answer lacked it. */
  async #versionOf(action: string, key: string, size: number, sha256: Buffer, signal: AbortSignal | undefined): Promise<string> {
    for await (const version of versionsOf(this.#bucket, key, signal)) {
      if (version.versionId === null || version.size !== size) continue;
      if (await this.#hasBytes(key, version.versionId, size, sha256, signal)) return version.versionId;
    }
    throw HoldfastError.failedTo('storeFailed', action, 'the store names no version of what was put', {
      fix: 'Check the location with "holdfast location validate".',
    });
  }

  /** By reading it: what a store says of checksums only proves something against faults. */
  async #hasBytes(key: string, versionId: string | null, size: number, sha256: Buffer, signal: AbortSignal | undefined): Promise<boolean> {
    const reading = { versionId, ...(signal === undefined ? {} : { signal }) };
    const facts = await this.head(key, reading);
    if (facts === undefined || facts.size !== size) return false;
    const found = await this.get(key, reading);
    return found !== undefined && found.body.length === size && sha256.equals(hash('sha256', found.body, 'buffer'));
  }

  /** A put with a lock must name the algorithm as well: Amazon S3 API reference, PutObject. */
  #checksumOf(
    body: Uint8Array,
    sha256: Buffer,
  ): { readonly ChecksumAlgorithm?: 'CRC32' | 'SHA256'; readonly ChecksumCRC32?: string; readonly ChecksumSHA256?: string } {
    switch (this.#features.checksum ?? 'crc32') {
      case 'none':
        return {};
      case 'sha256':
        return { ChecksumAlgorithm: 'SHA256', ChecksumSHA256: sha256.toString('base64') };
      case 'crc32': {
        const bytes = Buffer.alloc(4);
        bytes.writeUInt32BE(crc32(body));
        return { ChecksumAlgorithm: 'CRC32', ChecksumCRC32: bytes.toString('base64') };
      }
    }
  }
}

/** The signer takes the hash of the body from here and does not compute it again. */
function signedWith(command: PutObjectCommand, sha256: string): void {
  command.middlewareStack.add(
    (next) => (args) => {
      const { request } = args;
      if (typeof request === 'object' && request !== null && 'headers' in request && typeof request.headers === 'object') {
        Object.assign(request.headers ?? {}, { 'x-amz-content-sha256': sha256 });
      }
      return next(args);
    },
    { step: 'build', name: 'holdfastBodyHash' },
  );
}

/** `undefined` for what is not there. */
async function orMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (HoldfastError.is(error, 'objectMissing')) return undefined;
    throw error;
  }
}

/** The same of a read, which can also meet a delete marker, where its version is asked for. */
async function orUnread<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await orMissing(answer);
  } catch (error) {
    if (HoldfastError.is(error) && error.details?.['status'] === 405) return undefined;
    throw error;
  }
}

function isBeyondEnd(error: unknown): boolean {
  return HoldfastError.is(error) && error.details?.['status'] === 416;
}

/** What drips would be waited for as long as a part comes now and then. */
function isTooSlow(error: HoldfastError): boolean {
  return error.details?.['error'] === 'TooSlow';
}

/** Closes the socket of a body that is not wanted any more. */
function discard(body: unknown): void {
  if (typeof body === 'object' && body !== null && 'destroy' in body && typeof body.destroy === 'function') body.destroy();
}

/** The error of a location whose marker is not there. */
export function markerMissing(place: string): HoldfastError {
  return new HoldfastError('storeUnreachable', `Failed to open location ${place}: its marker ${markerName} is not there.`, {
    fix: 'Give the location the bucket and prefix where it was made, or add it anew.',
  });
}

function objectExists(action: string): HoldfastError {
  return new HoldfastError('objectExists', `Failed to ${action}: an object of that name is there already.`);
}

function otherSize(action: string, size: number): HoldfastError {
  return HoldfastError.failedTo('damaged', action, `it has ${size} bytes, and another number was recorded`);
}

function badAnswer(action: string, reason: string): HoldfastError {
  return HoldfastError.failedTo('storeFailed', action, reason, { fix: 'Try again.' });
}
