import { createHash, createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { InstallationId, StoreId } from '../../protocol/ids.ts';
import { Breather } from './breather.ts';
import { type BundleFacts, decodeBundleFacts, longestBundleJson } from './bundleFacts.ts';
import type { BundleName } from './bundleName.ts';
import { isZero, sameBytes } from './bytes.ts';
import { deriveObjectKey } from './container.ts';
import { decodeDrSlotSection, longestBundleFront } from './drSlotSection.ts';
import { checkIdentity, decodeHeader, type ObjectHeader } from './header.ts';
import { timeInName } from './names.ts';
import { segmentLength, tagLength } from './padding.ts';
import { refusal, ruleOf } from './refusal.ts';
import { bodyPlaintextLength, checkStoredLength, openRange, planRange } from './segments.ts';

/** One version of one stored object that may be a bundle, read by ranges. */
export interface BundleSource {
  /** Stored bytes. */
  readonly length: number;
  /** Exactly these bytes; rejects as stores do. */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array>;
}

export interface BundleExpectations {
  readonly installationId: InstallationId;
  /** 16 bytes. */
  readonly drkId: Uint8Array;
  /** Under which it was found: its parts must agree with header and JSON. */
  readonly name?: BundleName;
  /** Of the location, where it is known. */
  readonly storeId?: StoreId;
}

/** So much is read at first: all that comes before the body, and the first segment, which most often holds the whole JSON. */
const firstRead = longestBundleFront + segmentLength + tagLength;
/** Plaintext that is opened at once. */
const windowLength: number = 32 * segmentLength;
const ownerTagLength = 32;
/** jsonLen, ownerTag and zLen. */
const besideParts = 4 + ownerTagLength + 8;

/** What a frame may decode to: no catalog is smaller than a hundredth of itself, beside some pages that are empty. */
function mostCatalogOf(frameLength: number): number {
  return 100 * frameLength + 4 * 1024 * 1024;
}

/** Stored bytes that claim to be a bundle. Nothing of them is authentic before `open`. */
export class StoredBundle {
  readonly header: ObjectHeader;
  /** The JSON of the slot that the DR passphrase opens. */
  readonly drSlot: Uint8Array;
  readonly #source: BundleSource;
  readonly #front: Uint8Array;
  readonly #bodyStart: number;
  readonly #subject: string;

  private constructor(source: BundleSource, front: Uint8Array, subject: string) {
    this.#source = source;
    this.#front = front;
    this.#subject = subject;
    this.header = decodeHeader(front, subject);
    if (this.header.type !== 'bundle') throw refusal(subject, 'headerType', `it is of type ${this.header.type}`);
    checkStoredLength('bundle', source.length, subject);
    const { drSlot, bodyStart } = decodeDrSlotSection(front, this.header, subject);
    this.drSlot = drSlot;
    this.#bodyStart = bodyStart;
    bodyPlaintextLength(source.length - bodyStart, subject);
  }

  /**
   * Reads its first 136 KiB, at once. `subject` names it in messages. Rejects with `damaged` (header, `slotSection`, `headerSlotHash`, `storedLength`,
   * `bodyLength`) or `unsupportedFormat`, and as the source does.
   */
  static async read(source: BundleSource, subject: string, signal?: AbortSignal): Promise<StoredBundle> {
    return new StoredBundle(source, await readExactly(source, 0, Math.min(source.length, firstRead), subject, signal), subject);
  }

  /**
   * Proves header and JSON; of the catalog, nothing yet. Rejects with `damaged` (`headerScope` where it is under another recovery key, `commitment`, `segmentTag`,
   * `bundleJson`, `bundleMembers`, `bundleName`, …), and as the source does.
   */
  async open(bundleKey: KeyObject, expected: BundleExpectations, signal?: AbortSignal): Promise<OpenedBundle> {
    const { installationId, drkId, name, storeId } = expected;
    const subject = this.#subject;
    checkIdentity(
      this.header,
      {
        type: 'bundle',
        installationId,
        scopeId: drkId,
        ...(name === undefined ? {} : { objectId: name.bundleId }),
        ...(storeId === undefined ? {} : { storeId }),
      },
      subject,
    );
    const { key, commitment } = deriveObjectKey(bundleKey, this.header.bound, this.header.salt);
    if (!timingSafeEqual(commitment, this.header.commitment)) throw refusal(subject, 'commitment', 'it was not written under this key');
    const body = new BundleBody(this.#source, this.#front, this.#bodyStart, key, subject);
    const { json, ownerTag, catalogAt, catalogEnd } = await frontOf(body, subject, signal);
    const facts = decodeBundleFacts(json, subject);
    if (facts.catalogLength > mostCatalogOf(catalogEnd - catalogAt)) {
      throw refusal(
        subject,
        'bundleCatalog',
        `its catalog claims ${facts.catalogLength} bytes of ${catalogEnd - catalogAt} compressed ones`,
      );
    }
    if (name !== undefined && name.time !== timeInName(facts.created)) {
      throw refusal(subject, 'bundleName', 'its name does not agree with its content');
    }
    return new OpenedBundle(this.header, facts, { body, json, ownerTag, catalogAt, catalogEnd, subject });
  }
}

/** Whether the header was written under this key, by its first 192 bytes alone: for bundles whose names another DR passphrase made. */
export function isBundleHeader(
  first: Uint8Array,
  bundleKey: KeyObject,
  { installationId, drkId }: Pick<BundleExpectations, 'installationId' | 'drkId'>,
): boolean {
  try {
    const header = decodeHeader(first, 'a bundle');
    checkIdentity(header, { type: 'bundle', installationId, scopeId: drkId }, 'a bundle');
    return timingSafeEqual(deriveObjectKey(bundleKey, header.bound, header.salt).commitment, header.commitment);
  } catch (error) {
    if (ruleOf(error) === undefined) throw error;
    return false;
  }
}

interface BundleParts {
  readonly body: BundleBody;
  readonly json: Uint8Array;
  readonly ownerTag: Uint8Array;
  /** Of the plaintext: where the zstd frame begins and ends. */
  readonly catalogAt: number;
  readonly catalogEnd: number;
  readonly subject: string;
}

/** A bundle that somebody wrote who held the disaster recovery key. That it was the owner, `checkOwnerTag` says. */
export class OpenedBundle {
  readonly header: ObjectHeader;
  readonly facts: BundleFacts;
  readonly #parts: BundleParts;

  constructor(header: ObjectHeader, facts: BundleFacts, parts: BundleParts) {
    this.header = header;
    this.facts = facts;
    this.#parts = parts;
  }

  /** Bytes of the zstd frame. */
  get frameLength(): number {
    return this.#parts.catalogEnd - this.#parts.catalogAt;
  }

  /** With the owner's key (of 16 zero bytes) of the master key that the header names. Throws `tampered` (`bundleOwnerTag`). */
  checkOwnerTag(ownerKey: KeyObject): void {
    const { json, ownerTag, subject } = this.#parts;
    const length = Buffer.alloc(4);
    length.writeUInt32LE(json.length);
    const wanted = createHmac('sha256', ownerKey).update(this.header.bound).update(length).update(json).digest();
    if (timingSafeEqual(wanted, ownerTag)) return;
    throw refusal(subject, 'bundleOwnerTag', 'it was not written by the owner of this installation', 'tampered');
  }

  /**
   * The zstd frame in pieces, some MiB at a time, each after its tags held. None of it may be used before the last one was asked for: only then its SHA-256 and the
   * zeros after it are proved. Rejects with `damaged` (`segmentTag`, `bundleCatalog`, `zeroPadding`, `storedLength`), and as the source does.
   */
  async *frame(signal?: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    const { body, catalogAt, catalogEnd, subject } = this.#parts;
    const breather = new Breather(signal);
    const hash = createHash('sha256');
    // From one boundary of segments to another, so that none is opened twice.
    for (let at = catalogAt; at < body.plaintextLength; ) {
      const end = Math.min(body.plaintextLength, (Math.floor(at / windowLength) + 1) * windowLength);
      const opened = await body.open(at, end - at, signal);
      const ofFrame = opened.subarray(0, Math.max(0, catalogEnd - at));
      if (!isZero(opened, ofFrame.length)) throw refusal(subject, 'zeroPadding', 'its padding is not zero');
      hash.update(ofFrame);
      if (ofFrame.length > 0) yield ofFrame;
      at = end;
      await breather.breathe();
    }
    if (!sameBytes(hash.digest(), this.facts.catalogSha256)) {
      throw refusal(subject, 'bundleCatalog', 'the SHA-256 of its catalog is not the recorded one');
    }
  }
}

class BundleBody {
  readonly plaintextLength: number;
  readonly #source: BundleSource;
  readonly #front: Uint8Array;
  readonly #bodyStart: number;
  readonly #key: KeyObject;
  readonly #subject: string;

  constructor(source: BundleSource, front: Uint8Array, bodyStart: number, key: KeyObject, subject: string) {
    this.#source = source;
    this.#front = front;
    this.#bodyStart = bodyStart;
    this.#key = key;
    this.#subject = subject;
    this.plaintextLength = bodyPlaintextLength(source.length - bodyStart, subject);
  }

  async open(offset: number, length: number, signal?: AbortSignal): Promise<Buffer> {
    const plan = planRange(this.#source.length, offset, length, this.#subject, this.#bodyStart);
    const end = plan.storedOffset + plan.storedLength;
    const fetched =
      end <= this.#front.length
        ? this.#front.subarray(plan.storedOffset, end)
        : await readExactly(this.#source, plan.storedOffset, plan.storedLength, this.#subject, signal);
    return openRange(this.#key, plan, fetched, this.#subject);
  }
}

/** All that comes before the frame. Each length is checked against those around it before anything of that length is read. */
async function frontOf(
  body: BundleBody,
  subject: string,
  signal: AbortSignal | undefined,
): Promise<Pick<BundleParts, 'json' | 'ownerTag' | 'catalogAt' | 'catalogEnd'>> {
  const contentAt = 8;
  const smallest = contentAt + besideParts;
  if (body.plaintextLength < smallest) throw refusal(subject, 'contentLength', 'it is too short for the content of a bundle');
  const first = await body.open(0, Math.min(body.plaintextLength, segmentLength), signal);
  const contentLength = Number(first.readBigUInt64LE(0));
  if (contentLength < besideParts || contentLength > body.plaintextLength - contentAt) {
    throw refusal(subject, 'contentLength', `it claims ${contentLength} bytes of content`);
  }
  const jsonLength = first.readUInt32LE(contentAt);
  if (jsonLength > Math.min(longestBundleJson, contentLength - besideParts)) {
    throw refusal(subject, 'bundleJson', `its JSON claims ${jsonLength} bytes`);
  }
  const catalogAt = smallest + jsonLength;
  const front = catalogAt <= first.length ? first : await body.open(0, catalogAt, signal);
  const jsonEnd = contentAt + 4 + jsonLength;
  const zLength = Number(front.readBigUInt64LE(jsonEnd + ownerTagLength));
  const catalogEnd = contentAt + contentLength;
  if (zLength !== catalogEnd - catalogAt) throw refusal(subject, 'contentLength', `its catalog claims ${zLength} bytes`);
  return {
    json: Uint8Array.from(front.subarray(contentAt + 4, jsonEnd)),
    ownerTag: Uint8Array.from(front.subarray(jsonEnd, jsonEnd + ownerTagLength)),
    catalogAt,
    catalogEnd,
  };
}

async function readExactly(
  source: BundleSource,
  offset: number,
  length: number,
  subject: string,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const bytes = await source.read(offset, length, signal);
  signal?.throwIfAborted();
  if (bytes.length !== length) throw refusal(subject, 'storedLength', `the store gave ${bytes.length} of ${length} bytes`);
  return bytes;
}

/** Bytes in memory as a source. */
export function bundleSourceOf(bytes: Uint8Array): BundleSource {
  return { length: bytes.length, read: async (offset, length) => await Promise.resolve(bytes.subarray(offset, offset + length)) };
}
