import { HoldfastError } from '../../protocol/errors.ts';
import { idOf, type InstallationId, type StoreId, uuidBytes, uuidText } from '../../protocol/ids.ts';

export const keyringHeaderLength = 128;

const magic = Buffer.from('HOLDFAST', 'ascii');
const formatVersion = 1;
const suite = 1;
const keyringType = 6;

/** What the clear header of a keyring claims (docs/format.md, The keyring object). Only mkMac proves it. */
export interface KeyringIdentity {
  readonly installationId: InstallationId;
  /** 16 bytes: the master key of the body's keyEpoch. */
  readonly masterKeyId: Uint8Array;
  /** 16 bytes: the DRK's id, zero while disaster recovery is off. */
  readonly scopeId: Uint8Array;
  /** 16 bytes, random. */
  readonly objectId: Uint8Array;
  /** From 1. */
  readonly sequence: number;
  readonly storeId: StoreId;
}

export function encodeKeyringHeader(identity: KeyringIdentity): Buffer {
  const { sequence, masterKeyId, scopeId, objectId } = identity;
  if (!Number.isSafeInteger(sequence) || sequence < 1) throw new RangeError(`keyring sequence ${sequence}`);
  for (const id of [masterKeyId, scopeId, objectId]) if (id.length !== 16) throw new RangeError(`an id of ${id.length} bytes`);
  const header = Buffer.alloc(keyringHeaderLength);
  magic.copy(header);
  header.writeUInt16LE(formatVersion, 8);
  header.writeUInt16LE(suite, 10);
  header.writeUInt16LE(keyringType, 12);
  header.writeUInt16LE(keyringHeaderLength, 14);
  header.set(uuidBytes(identity.installationId), 24);
  header.set(masterKeyId, 40);
  header.set(scopeId, 56);
  header.set(objectId, 72);
  header.writeBigUInt64LE(BigInt(sequence), 88);
  header.set(uuidBytes(identity.storeId), 96);
  return header;
}

/** Throws `HoldfastError`: `damaged`, or `unsupportedFormat` for a keyring that a newer program wrote. */
export function decodeKeyringHeader(bytes: Uint8Array): KeyringIdentity {
  if (bytes.length < keyringHeaderLength) throw damagedKeyring('it is too short');
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, keyringHeaderLength);
  if (!header.subarray(0, 8).equals(magic)) throw damagedKeyring('it does not begin with HOLDFAST');
  if (header.readUInt16LE(8) !== formatVersion) throw unsupported(`format version ${header.readUInt16LE(8)}`);
  if (header.readUInt16LE(10) !== suite) throw unsupported(`suite ${header.readUInt16LE(10)}`);
  if (header.readUInt16LE(12) !== keyringType) throw damagedKeyring(`it is of type ${header.readUInt16LE(12)}`);
  if (header.readUInt16LE(14) !== keyringHeaderLength) throw damagedKeyring('the length of its header is wrong');
  if (header.readUInt32LE(16) !== 0) throw unsupported('features that are required');
  if (header.readUInt32LE(20) !== 0) throw damagedKeyring('it names a key generation');
  if (header.subarray(112, 128).some((byte) => byte !== 0)) throw damagedKeyring('reserved bytes are not zero');
  const sequence = header.readBigUInt64LE(88);
  if (sequence < 1n || sequence > BigInt(Number.MAX_SAFE_INTEGER)) throw damagedKeyring('its sequence is out of range');
  return {
    installationId: idOf<InstallationId>(uuidText(header.subarray(24, 40))),
    masterKeyId: Uint8Array.from(header.subarray(40, 56)),
    scopeId: Uint8Array.from(header.subarray(56, 72)),
    objectId: Uint8Array.from(header.subarray(72, 88)),
    sequence: Number(sequence),
    storeId: idOf<StoreId>(uuidText(header.subarray(96, 112))),
  };
}

export function damagedKeyring(cause: string): HoldfastError {
  return new HoldfastError('damaged', `Failed to read a keyring: ${cause}.`);
}

function unsupported(what: string): HoldfastError {
  return new HoldfastError('unsupportedFormat', `Failed to read a keyring: it has ${what}, which this version does not know.`, {
    fix: 'Use the newest version of Holdfast.',
  });
}
