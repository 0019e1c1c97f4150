import { randomBytes } from 'node:crypto';
import { noHeads } from '../../../support/noHeads.ts';
import type { DrKey } from '../../../../daemon/keys/dr/drKey.ts';
import { decodeKeyring, encodeKeyring, type UnknownSlot } from '../../../../daemon/keys/keyring.ts';
import type { KeyringCandidate } from '../../../../daemon/keys/keyringCandidates.ts';
import { keyringName } from '../../../../daemon/keys/keyringName.ts';
import type { MasterKey } from '../../../../daemon/keys/masterKey.ts';
import { wrapWithPassphrase } from '../../../../daemon/keys/passkeys/passphrase.ts';
import type { ScryptRunner } from '../../../../daemon/keys/scryptRunner.ts';
import type { PassphraseSlot, Slot } from '../../../../daemon/keys/slot.ts';
import { idOf, type InstallationId, type SlotId, type StoreId } from '../../../../protocol/ids.ts';

export const installationId: InstallationId = idOf('0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0ff');
export const storeId: StoreId = idOf('11111111-2222-4333-8444-555555555555');
export const createdAt: Date = new Date('2026-01-02T03:04:05.678Z');

export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

export function newSlot(masterKey: MasterKey, passphrase: string, scrypt: ScryptRunner): Promise<PassphraseSlot> {
  return wrapWithPassphrase({ masterKey, passphrase: utf8(passphrase), scrypt, createdAt });
}

export function newKeyring(
  masterKey: MasterKey,
  sequence: number,
  slots: readonly Slot[],
  unknownSlots: readonly UnknownSlot[] = [],
  drKey?: DrKey,
): Uint8Array<ArrayBuffer> {
  const body = { keyEpoch: masterKey.keyEpoch, createdAt: createdAt.toISOString(), heads: noHeads, slots, unknownSlots };
  return encodeKeyring({ objectId: randomBytes(16), sequence, storeId }, body, masterKey, drKey);
}

/** The keyring under the name that its header asks for. */
export function candidateOf(bytes: Uint8Array, lastModified: Date | null = createdAt): KeyringCandidate {
  return { key: keyringName(decodeKeyring(bytes, installationId)), lastModified, read: () => Promise.resolve(bytes) };
}

export const vaultSlot: Slot = {
  slotId: idOf<SlotId>('99999999-8888-4777-8666-555555555555'),
  kind: 'vaultTransit',
  keyEpoch: 1,
  masterKeyId: Buffer.alloc(16, 7).toString('base64'),
  reference: { address: 'https://vault.attacker.example:8200', namespace: null, mount: 'transit', key: 'holdfast', version: 1 },
  createdAt: createdAt.toISOString(),
  wrapped: Buffer.from('vault:v1:AAAA').toString('base64'),
};
