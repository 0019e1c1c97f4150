import { idOf, uuidBytes, uuidText, type InstallationId, type StoreId } from '../../protocol/ids.ts';
import { bufferOver, hexOf, isZero, sameBytes } from './bytes.ts';
import { refusal } from './refusal.ts';

/** The types of the container and their numbers in the header (docs/format.md, The container). */
export const objectTypes = { pack: 1, index: 2, manifest: 3, bundle: 4, ownership: 5 } as const;
export type ObjectType = keyof typeof objectTypes;

const typeNames: readonly (ObjectType | undefined)[] = [undefined, 'pack', 'index', 'manifest', 'bundle', 'ownership'];

export const headerLength = 192;
/** The part that the derived key binds: all but salt and commitment. */
export const boundHeaderLength = 128;

const magic = Buffer.from('HOLDFAST', 'ascii');
const formatVersion = 1;
const suiteNumber = 1;

/** What a header says about its object; everything is authenticated by the commitment. */
export interface ObjectIdentity {
  readonly type: ObjectType;
  /** From 1; 0 where there is no policy. */
  readonly keyGeneration: number;
  readonly installationId: InstallationId;
  /** 16 bytes. */
  readonly masterKeyId: Uint8Array;
  /** 16 bytes: the policy's id, the DRK's id for bundles, else zero. */
  readonly scopeId: Uint8Array;
  /** 16 bytes. */
  readonly objectId: Uint8Array;
  /** 0 for packs, else from 1. */
  readonly sequence: number;
  readonly storeId: StoreId;
  /** 16 bytes for bundles; absent for all others. */
  readonly drSlotHash?: Uint8Array;
}

export interface ObjectHeader extends ObjectIdentity {
  /** The 128 bytes that the key binds. */
  readonly bound: Uint8Array;
  /** 32 bytes. */
  readonly salt: Uint8Array;
  /** 32 bytes. */
  readonly commitment: Uint8Array;
}

/** The first 128 bytes of the header. Throws `RangeError` where the identity breaks the writer's rules. */
export function encodeBoundHeader(identity: ObjectIdentity): Buffer {
  const { type, keyGeneration, sequence, drSlotHash } = identity;
  if (hasPolicy(type) ? keyGeneration < 1 : keyGeneration !== 0) throw new RangeError(`key generation ${keyGeneration} of a ${type}`);
  if (type === 'pack' ? sequence !== 0 : sequence < 1 || !Number.isSafeInteger(sequence)) throw new RangeError(`sequence ${sequence}`);
  if ((type === 'bundle') !== (drSlotHash !== undefined)) throw new RangeError(`slot hash of a ${type}`);
  const bytes = Buffer.alloc(boundHeaderLength);
  magic.copy(bytes);
  bytes.writeUInt16LE(formatVersion, 8);
  bytes.writeUInt16LE(suiteNumber, 10);
  bytes.writeUInt16LE(objectTypes[type], 12);
  bytes.writeUInt16LE(headerLength, 14);
  bytes.writeUInt32LE(keyGeneration, 20);
  bytes.set(uuidBytes(identity.installationId), 24);
  bytes.set(sixteen(identity.masterKeyId), 40);
  bytes.set(sixteen(identity.scopeId), 56);
  bytes.set(sixteen(identity.objectId), 72);
  bytes.writeBigUInt64LE(BigInt(sequence), 88);
  bytes.set(uuidBytes(identity.storeId), 96);
  if (drSlotHash !== undefined) bytes.set(sixteen(drSlotHash), 112);
  return bytes;
}

/**
 * Reads the header of stored bytes. Nothing in it is authentic before the commitment was compared.
 * Throws `damaged` (`headerTruncated`, `headerMagic`, …) or `unsupportedFormat` (`headerVersion`, `headerSuite`, `headerFeatures`).
 */
export function decodeHeader(stored: Uint8Array, subject: string): ObjectHeader {
  if (stored.length < headerLength) throw refusal(subject, 'headerTruncated', `it ends after ${stored.length} bytes`);
  const bytes = bufferOver(stored);
  if (bytes.compare(magic, 0, 8, 0, 8) !== 0) throw refusal(subject, 'headerMagic', 'it does not begin as an object of Holdfast');
  const version = bytes.readUInt16LE(8);
  if (version !== formatVersion) throw unsupported(subject, 'headerVersion', `its format version is ${version}`);
  const suite = bytes.readUInt16LE(10);
  if (suite !== suiteNumber) throw unsupported(subject, 'headerSuite', `its cipher suite is ${suite}`);
  const type = typeNames[bytes.readUInt16LE(12)];
  if (type === undefined) throw unsupported(subject, 'headerType', `its type is ${bytes.readUInt16LE(12)}`);
  if (bytes.readUInt16LE(14) !== headerLength) throw refusal(subject, 'headerLength', `its header has ${bytes.readUInt16LE(14)} bytes`);
  const features = bytes.readUInt32LE(16);
  if (features !== 0) throw unsupported(subject, 'headerFeatures', `it needs the features 0x${features.toString(16)}`);
  const keyGeneration = bytes.readUInt32LE(20);
  if (hasPolicy(type) !== keyGeneration > 0) throw refusal(subject, 'headerKeyGeneration', `its key generation is ${keyGeneration}`);
  const sequence = Number(bytes.readBigUInt64LE(88));
  if (!Number.isSafeInteger(sequence) || (type === 'pack') !== (sequence === 0)) {
    throw refusal(subject, 'headerSequence', `its sequence is ${sequence}`);
  }
  if (type !== 'bundle' && !isZero(bytes, 112, 128)) throw refusal(subject, 'headerSlotHash', 'it has a slot hash without being a bundle');
  return {
    type,
    keyGeneration,
    installationId: idOf<InstallationId>(uuidText(bytes.subarray(24, 40))),
    masterKeyId: bytes.subarray(40, 56),
    scopeId: bytes.subarray(56, 72),
    objectId: bytes.subarray(72, 88),
    sequence,
    storeId: idOf<StoreId>(uuidText(bytes.subarray(96, 112))),
    ...(type === 'bundle' ? { drSlotHash: bytes.subarray(112, 128) } : {}),
    bound: bytes.subarray(0, boundHeaderLength),
    salt: bytes.subarray(128, 160),
    commitment: bytes.subarray(160, 192),
  };
}

/** What the reader knows of an object before it opens it; each member that is given must agree. */
export type ExpectedIdentity = Partial<Omit<ObjectIdentity, 'type'>> & { readonly type: ObjectType };

/** Throws the refusal for the first member of `expected` that the header does not have. */
export function checkIdentity(header: ObjectHeader, expected: ExpectedIdentity, subject: string): void {
  const { type, installationId, masterKeyId, scopeId, objectId, storeId, keyGeneration, sequence, drSlotHash } = expected;
  if (header.type !== type) throw refusal(subject, 'headerType', differs('type', header.type, type));
  if (installationId !== undefined && header.installationId !== installationId) {
    throw refusal(subject, 'headerInstallation', differs('installation', header.installationId, installationId));
  }
  if (masterKeyId !== undefined && !sameBytes(header.masterKeyId, masterKeyId)) {
    throw refusal(subject, 'headerMasterKey', differs('master key', hexOf(header.masterKeyId), hexOf(masterKeyId)));
  }
  if (scopeId !== undefined && !sameBytes(header.scopeId, scopeId)) {
    throw refusal(subject, 'headerScope', differs('policy', hexOf(header.scopeId), hexOf(scopeId)));
  }
  if (objectId !== undefined && !sameBytes(header.objectId, objectId)) {
    throw refusal(subject, 'headerObjectId', differs('object id', hexOf(header.objectId), hexOf(objectId)));
  }
  if (keyGeneration !== undefined && header.keyGeneration !== keyGeneration) {
    throw refusal(subject, 'headerKeyGeneration', differs('key generation', String(header.keyGeneration), String(keyGeneration)));
  }
  if (sequence !== undefined && header.sequence !== sequence) {
    throw refusal(subject, 'headerSequence', differs('sequence', String(header.sequence), String(sequence)));
  }
  if (storeId !== undefined && header.storeId !== storeId) {
    throw refusal(subject, 'headerStore', differs('store', header.storeId, storeId));
  }
  if (drSlotHash !== undefined && (header.drSlotHash === undefined || !sameBytes(header.drSlotHash, drSlotHash))) {
    throw refusal(subject, 'headerSlotHash', 'its slot hash is not that of the slot beside it');
  }
}

function differs(name: string, has: string, wanted: string): string {
  return `its ${name} is ${has} where ${wanted} belongs`;
}

function hasPolicy(type: ObjectType): boolean {
  return type === 'pack' || type === 'index' || type === 'manifest';
}

function sixteen(bytes: Uint8Array): Uint8Array {
  if (bytes.length !== 16) throw new RangeError(`an id has 16 bytes, not ${bytes.length}`);
  return bytes;
}

function unsupported(subject: string, rule: 'headerVersion' | 'headerSuite' | 'headerType' | 'headerFeatures', cause: string): Error {
  return refusal(subject, rule, cause, 'unsupportedFormat');
}
