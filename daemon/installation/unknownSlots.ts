import type { Catalog } from '../catalog/catalog.ts';
import { decodeKeyring, type UnknownSlot } from '../keys/keyring.ts';

/** Slots of kinds that this version does not know, in the newest keyring: whoever made them opens with them, so each newer keyring holds them too (docs/format.md, The keyring object). */
export function unknownSlotsIn({ installation, keyrings }: Pick<Catalog, 'installation' | 'keyrings'>): readonly UnknownSlot[] {
  const installationId = installation.get()?.installationId;
  const newest = keyrings.newest();
  return newest === undefined || installationId === undefined ? [] : decodeKeyring(newest.bytes, installationId).body.unknownSlots;
}
