import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';
import { HoldfastError } from '../../protocol/errors.ts';
import { idOf, uuidBytes, uuidText, type PolicyId, type RestorePointId, type StoreId } from '../../protocol/ids.ts';
import { parseStrictJson } from '../../protocol/strictJson.ts';
import { hexOf, sameBytes } from './bytes.ts';
import { openHeader, openObject, sealObject, type SealedObject } from './container.ts';
import { newObjectId, type Entropy } from './entropy.ts';
import { type ExpectedIdentity, encodeBoundHeader, type ObjectHeader, type ObjectIdentity } from './header.ts';
import type { PolicyKeySource } from './keySource.ts';
import { jsonOf, withinLimit } from './manifestJson.ts';
import { manifestSchema } from './manifestSchema.ts';
import type { Manifest, PinnedIndex } from './manifestTypes.ts';
import { parseObjectKey, timeInName } from './names.ts';
import type { PolicyKeys } from './policyKeys.ts';
import { refusal } from './refusal.ts';

const limits = { maxBytes: 64 * 1024 * 1024, maxDepth: 64 } as const;
const tagLength = 32;
/** So much of an object is read as a manifest, and no more: the longest JSON with what lies around it, padded generously. */
export const manifestReadLength: number = 128 * 1024 * 1024;

type ManifestName = Extract<ReturnType<typeof parseObjectKey>, { readonly type: 'manifest' }>;

export interface OpenedManifest {
  readonly manifest: Manifest;
  readonly header: ObjectHeader;
  /** `false` where only a migration key is held: the owner's tag could not be checked, and the user is told. */
  readonly ownerTagChecked: boolean;
}

/** The id under which a restore point is shown: the UUID of its manifest's object id. */
export function restorePointIdOf(objectId: Uint8Array): RestorePointId {
  return idOf<RestorePointId>(uuidText(objectId));
}

/**
 * Seals a manifest. Where its JSON would be longer than a reader takes, warnings and statistics are left out, and a warning says so.
 * Throws `RangeError` where it breaks a rule that its reader checks, and where the owner's key is not held.
 */
export function sealManifest(
  manifest: Manifest,
  keys: PolicyKeys,
  storeId: StoreId,
  entropy: Entropy,
  objectId: Uint8Array = newObjectId(entropy),
): SealedObject {
  if (keys.owner === undefined) throw new RangeError('a migration key makes no manifests');
  const identity: ObjectIdentity = {
    type: 'manifest',
    keyGeneration: keys.keyGeneration,
    installationId: keys.installationId,
    masterKeyId: keys.masterKeyId,
    scopeId: uuidBytes(keys.policyId),
    objectId,
    sequence: manifest.sequence,
    storeId,
  };
  const fitting = withinLimit(manifest, limits.maxBytes);
  const json = Buffer.from(jsonOf(fitting), 'utf8');
  const isReadable = isReadableJson(json) && fitting.indexes.every((index) => isKeyOf(index, keys));
  const isLinked = (manifest.previous === null) === (manifest.sequence === 1);
  if (!isReadable || !isLinked || manifest.policyId !== keys.policyId || manifest.keyGeneration !== keys.keyGeneration) {
    throw new RangeError('a manifest that no reader would take');
  }
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  const tag = createHmac('sha256', keys.owner).update(encodeBoundHeader(identity)).update(length).update(json).digest();
  return sealObject(keys.manifest, identity, Buffer.concat([length, json, tag]), entropy);
}

export interface ManifestExpectations {
  /** The key under which it was found; its parts must agree with the header and the JSON. */
  readonly key?: string;
  readonly policyId?: PolicyId;
  readonly storeId?: StoreId;
  /** SHA-256 that an authentic object names. */
  readonly sha256?: Uint8Array;
}

/**
 * Opens a stored manifest and checks container, strict JSON, name and owner's tag.
 * Throws `damaged`, `tampered` (`manifestOwnerTag`) or `unsupportedFormat`.
 */
export function openManifest(
  stored: Uint8Array,
  keySource: PolicyKeySource,
  expected: ManifestExpectations,
  subject: string,
): OpenedManifest {
  const name = nameOf(expected, subject);
  let keys: PolicyKeys | undefined;
  const { header, content } = openObject(
    stored,
    identityOf(expected, subject),
    (found) => {
      keys = keysOf(found, keySource, subject);
      return keys.manifest;
    },
    subject,
  );
  if (keys === undefined || keys.installationId !== header.installationId || !sameBytes(uuidBytes(keys.policyId), header.scopeId)) {
    throw refusal(subject, 'headerScope', 'it belongs to another installation or policy');
  }
  const { json, tag } = splitContent(content, subject);
  const ownerTagChecked = keys.owner !== undefined;
  if (keys.owner !== undefined) {
    const wanted = createHmac('sha256', keys.owner).update(header.bound).update(content.subarray(0, 4)).update(json).digest();
    if (!timingSafeEqual(wanted, tag)) {
      throw refusal(subject, 'manifestOwnerTag', 'it was not written by the owner of this installation', 'tampered');
    }
  }
  const manifest = parseManifest(json, subject);
  const agrees = manifest.sequence === header.sequence && manifest.keyGeneration === header.keyGeneration;
  if (!agrees || manifest.policyId !== uuidText(header.scopeId)) {
    throw refusal(subject, 'manifestMembers', 'its members do not agree with its header');
  }
  if (name !== undefined) {
    const isOwn = name.installationId === header.installationId && name.policyId === manifest.policyId;
    if (!isOwn || name.time !== timeInName(manifest.claimed.finished)) {
      throw refusal(subject, 'manifestName', 'its name does not agree with its content');
    }
  }
  return { manifest, header, ownerTagChecked };
}

/**
 * What `openManifest` checks first, of the first bytes of a manifest that has `storedLength` in all: where it throws, that does. Nobody without the master key can
 * make up a header that holds; one that is there can be copied. Gives the key of the object.
 */
export function openManifestHeader(
  stored: Uint8Array,
  storedLength: number,
  keySource: PolicyKeySource,
  expected: ManifestExpectations,
  subject: string,
): KeyObject {
  return openHeader(stored, storedLength, identityOf(expected, subject), (found) => keysOf(found, keySource, subject).manifest, subject)
    .key;
}

function nameOf({ key }: ManifestExpectations, subject: string): ManifestName | undefined {
  if (key === undefined) return undefined;
  const name = parseObjectKey(key);
  if (name?.type !== 'manifest') throw refusal(subject, 'objectName', 'its name is none of a restore point');
  return name;
}

function identityOf(expected: ManifestExpectations, subject: string): ExpectedIdentity {
  const name = nameOf(expected, subject);
  return {
    type: 'manifest',
    ...(expected.policyId === undefined ? {} : { scopeId: uuidBytes(expected.policyId) }),
    ...(expected.storeId === undefined ? {} : { storeId: expected.storeId }),
    ...(name === undefined ? {} : { objectId: name.objectId, sequence: name.sequence }),
  };
}

function keysOf(header: ObjectHeader, keySource: PolicyKeySource, subject: string): PolicyKeys {
  const keys = keySource.byMasterKeyId(header.masterKeyId, header.keyGeneration);
  if (keys === undefined) throw keysMissing(subject, header);
  return keys;
}

/** The error for an object under a key that is not held. */
export function keysMissing(subject: string, header: ObjectHeader): HoldfastError {
  return HoldfastError.failedTo(
    'wrongSecret',
    `read ${subject}`,
    `its master key ${hexOf(header.masterKeyId)} (generation ${header.keyGeneration}) is not held`,
    { fix: 'Unlock with a passkey that opens this master key.', details: { masterKeyId: hexOf(header.masterKeyId) } },
  );
}

function splitContent(content: Buffer, subject: string): { readonly json: Buffer; readonly tag: Buffer } {
  const length = content.length < 4 ? -1 : content.readUInt32LE(0);
  if (content.length !== 4 + length + tagLength) throw refusal(subject, 'manifestJson', 'its lengths do not agree');
  return { json: content.subarray(4, 4 + length), tag: content.subarray(4 + length) };
}

function parseManifest(json: Buffer, subject: string): Manifest {
  let value: unknown;
  try {
    value = parseStrictJson(json, { ...limits, what: subject });
  } catch (cause) {
    throw refusal(subject, 'manifestJson', cause instanceof HoldfastError ? cause.reason : 'it is not JSON');
  }
  const parsed = manifestSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw refusal(subject, 'manifestMembers', `member ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`);
}

/** Whether a reader would take this text: the writer asks before it is sealed. */
function isReadableJson(json: Buffer): boolean {
  try {
    return manifestSchema.safeParse(parseStrictJson(json, limits)).success;
  } catch (error) {
    if (!HoldfastError.is(error, 'damaged')) throw error;
    return false;
  }
}

function isKeyOf({ key, objectId }: PinnedIndex, { installationId, policyId }: PolicyKeys): boolean {
  const name = parseObjectKey(key);
  const isOwn = name?.type === 'index' && name.installationId === installationId && name.policyId === policyId;
  return isOwn && sameBytes(name.objectId, objectId);
}
