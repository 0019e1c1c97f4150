import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';
import * as z from 'zod';
import type { InstallationId } from '../../protocol/ids.ts';
import { parseStrictJson } from '../../protocol/strictJson.ts';
import { keyEpochSchema, schemaComplaint, timeSchema, withoutDeepExtensions } from './formatSchemas.ts';
import type { DrKey } from './dr/drKey.ts';
import { type Heads, headsSchema } from './heads.ts';
import { damagedKeyring, decodeKeyringHeader, encodeKeyringHeader, type KeyringIdentity, keyringHeaderLength } from './keyringHeader.ts';
import type { MasterKey } from './masterKey.ts';
import { isSlotKind, type Slot, slotSchemas } from './slot.ts';

export const longestKeyring: number = 64 * 1024;
export const mostSlots = 32;

const macLength = 32;
const bodyStart = keyringHeaderLength + 4;
const deepestBody = 8;
const mkMacDomain = Uint8Array.of(0x01);
const drMacDomain = Uint8Array.of(0x02);
const noScope = new Uint8Array(16);

/** A slot of a kind that this version does not know: skipped, and carried on when the keyring is written again. */
export type UnknownSlot = Readonly<Record<string, unknown>>;

export interface KeyringBody {
  /** Of the newest master key: the one that mkMac uses. */
  readonly keyEpoch: number;
  readonly createdAt: string;
  readonly heads: Heads;
  readonly slots: readonly Slot[];
  readonly unknownSlots: readonly UnknownSlot[];
}

/** A keyring whose form holds. Whether it is authentic, `isAuthenticKeyring` says. */
export interface Keyring extends KeyringIdentity {
  readonly body: KeyringBody;
  /** All that both MACs cover. */
  readonly authenticated: Uint8Array;
  readonly mkMac: Uint8Array;
  /** Zeros while disaster recovery is off. */
  readonly drMac: Uint8Array;
}

interface RawBody {
  readonly keyEpoch: number;
  readonly createdAt: string;
  readonly heads: Heads;
  readonly slots: readonly UnknownSlot[];
}

const rawBodySchema: z.ZodType<RawBody> = z.strictObject({
  keyEpoch: keyEpochSchema,
  createdAt: timeSchema,
  heads: headsSchema,
  slots: z.array(z.looseObject({ kind: z.string() })).max(mostSlots),
});

/**
 * The bytes to store (docs/format.md, The keyring object). `masterKey` is the one of the body's keyEpoch; `drKey` is there while disaster recovery is on:
 * without it there is no scope, and drMac is zero. Throws `RangeError` where the caps of the format are broken.
 */
export function encodeKeyring(
  identity: Pick<KeyringIdentity, 'objectId' | 'sequence' | 'storeId'>,
  body: KeyringBody,
  masterKey: MasterKey,
  drKey?: DrKey,
): Uint8Array<ArrayBuffer> {
  if (masterKey.keyEpoch !== body.keyEpoch) throw new RangeError(`epoch ${body.keyEpoch} under the master key of ${masterKey.keyEpoch}`);
  if (body.slots.length === 0) throw new RangeError('a keyring that nothing known here opens');
  const slots = [...body.slots, ...body.unknownSlots];
  if (slots.length > mostSlots) throw new RangeError(`${slots.length} slots in a keyring`);
  // A slot of a kind that is not known may have no id.
  const slotIds = slots.flatMap((slot) => slot['slotId'] ?? []);
  if (new Set(slotIds).size !== slotIds.length) throw new RangeError('one slot id twice in a keyring');
  const { keyEpoch, createdAt, heads } = body;
  const json = Buffer.from(JSON.stringify({ keyEpoch, createdAt, heads, slots }), 'utf8');
  const { installationId, masterKeyId } = masterKey;
  if (drKey !== undefined && drKey.installationId !== installationId) throw new RangeError('a recovery key of another installation');
  const header = encodeKeyringHeader({ ...identity, installationId, masterKeyId, scopeId: drKey?.drkId ?? noScope });
  const bodyLength = Buffer.alloc(4);
  bodyLength.writeUInt32LE(json.length);
  const authenticated = Buffer.concat([header, bodyLength, json]);
  const drMac = drKey === undefined ? Buffer.alloc(macLength) : macOf(drKey.keyringDrMac(), drMacDomain, authenticated);
  const bytes = Buffer.concat([authenticated, macOf(masterKey.keyringMac(), mkMacDomain, authenticated), drMac]);
  if (bytes.length > longestKeyring) throw new RangeError(`a keyring of ${bytes.length} bytes`);
  // What can be written can be read, or an installation would lock itself out.
  decodeKeyring(bytes, installationId);
  return Uint8Array.from(bytes);
}

/**
 * Checks all caps, then the form, strictly. Throws `HoldfastError`: `damaged`, or `unsupportedFormat` for what a newer program wrote.
 * Nothing of it is proved yet.
 */
export function decodeKeyring(bytes: Uint8Array, installationId: InstallationId): Keyring {
  if (bytes.length > longestKeyring) throw damagedKeyring(`it has more than ${longestKeyring} bytes`);
  const identity = decodeKeyringHeader(bytes);
  if (identity.installationId !== installationId) throw damagedKeyring('it belongs to another installation');
  if (bytes.length < bodyStart + 2 * macLength) throw damagedKeyring('it is too short');
  const bodyLength = new DataView(bytes.buffer, bytes.byteOffset).getUint32(keyringHeaderLength, true);
  const bodyEnd = bodyStart + bodyLength;
  if (bodyEnd + 2 * macLength !== bytes.length) throw damagedKeyring('its length is not the one it names');
  const drMac = bytes.subarray(bodyEnd + macLength);
  if (isZero(identity.scopeId) && !isZero(drMac)) throw damagedKeyring('it has a recovery MAC but no recovery key');
  return {
    ...identity,
    body: decodeBody(bytes.subarray(bodyStart, bodyEnd)),
    authenticated: Uint8Array.from(bytes.subarray(0, bodyEnd)),
    mkMac: Uint8Array.from(bytes.subarray(bodyEnd, bodyEnd + macLength)),
    drMac: Uint8Array.from(drMac),
  };
}

/** Whether mkMac holds under the master key that the header names and whose epoch is the body's. */
export function isAuthenticKeyring(keyring: Keyring, masterKey: MasterKey): boolean {
  return (
    masterKey.installationId === keyring.installationId &&
    masterKey.keyEpoch === keyring.body.keyEpoch &&
    masterKey.hasId(keyring.masterKeyId) &&
    timingSafeEqual(macOf(masterKey.keyringMac(), mkMacDomain, keyring.authenticated), keyring.mkMac)
  );
}

/** Whether the header names this very recovery key and drMac holds under it. Says nothing of the master key. */
export function isRecoveryKeyring(keyring: Keyring, drKey: DrKey): boolean {
  return (
    drKey.installationId === keyring.installationId &&
    drKey.hasId(keyring.scopeId) &&
    timingSafeEqual(macOf(drKey.keyringDrMac(), drMacDomain, keyring.authenticated), keyring.drMac)
  );
}

/** Whether it was written while disaster recovery was on: then drMac is to be checked. */
export function hasRecoveryMac({ scopeId }: Keyring): boolean {
  return !isZero(scopeId);
}

function decodeBody(json: Uint8Array): KeyringBody {
  const parsed = rawBodySchema.safeParse(
    withoutBodyExtensions(parseStrictJson(json, { maxBytes: longestKeyring, maxDepth: deepestBody, what: 'a keyring' })),
  );
  if (!parsed.success) throw damagedKeyring(schemaComplaint(parsed.error));
  const { keyEpoch, createdAt, heads, slots: rawSlots } = parsed.data;
  const slots: Slot[] = [];
  const unknownSlots: UnknownSlot[] = [];
  for (const raw of rawSlots) {
    const kind = raw['kind'];
    if (!isSlotKind(kind)) {
      unknownSlots.push(raw);
      continue;
    }
    const slot = slotSchemas[kind].safeParse(withoutDeepExtensions(raw));
    if (!slot.success) throw damagedKeyring(`in a slot, ${schemaComplaint(slot.error)}`);
    slots.push(slot.data);
  }
  return { keyEpoch, createdAt, heads, slots, unknownSlots };
}

/** Slots keep theirs until their kind is known: what this version does not know is carried on as it is. */
function withoutBodyExtensions(body: unknown): unknown {
  if (typeof body !== 'object' || body === null) return body;
  const slots: unknown = 'slots' in body ? body.slots : undefined;
  const rest = withoutDeepExtensions({ ...body, slots: null });
  return typeof rest === 'object' && slots !== undefined ? { ...rest, slots } : rest;
}

function macOf(key: KeyObject, domain: Uint8Array, authenticated: Uint8Array): Buffer {
  return createHmac('sha256', key).update(domain).update(authenticated).digest();
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}
