import { createHash, createSecretKey, type KeyObject } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { type BundleName, BundleNames } from '../../daemon/repository/bundleName.ts';
import type { SealedObject } from '../../daemon/repository/container.ts';
import { sealBundle, type BundleToSeal, type CatalogFrame } from '../../daemon/repository/sealBundle.ts';
import { bundleSourceOf, StoredBundle, type BundleExpectations, type OpenedBundle } from '../../daemon/repository/storedBundle.ts';
import type { InstallationId } from '../../protocol/ids.ts';
import { keysNamed, entropyFrom, testStoreId } from './repositoryKeys.ts';

const { installationId, masterKeyId, owner } = keysNamed('bundles');

export const bundleInstallation: InstallationId = installationId;
export const drkId: Uint8Array = Buffer.alloc(16, 0xd7);
export const bundleKey: KeyObject = createSecretKey(Buffer.alloc(32, 0xb1));
export const nameKey: KeyObject = createSecretKey(Buffer.alloc(32, 0x4a));
export const ownerKey: KeyObject = owner ?? createSecretKey(Buffer.alloc(32));
export const drSlot: Uint8Array = Buffer.from('{"what":"opens","is":"of no matter here"}');
export const created = '2026-01-02T03:04:05.678Z';
export const bundleId: Uint8Array = Buffer.alloc(16, 0x1d);
export const bundleName: BundleName = new BundleNames(installationId, nameKey).nameOf(created, bundleId);
export const expected: BundleExpectations = { installationId, drkId, name: bundleName, storeId: testStoreId };
export const catalog: Buffer = Buffer.from('a catalog of some hundred bytes; '.repeat(20));

/** The frame of these raw bytes, given in pieces of `pieceLength`. */
export function frameOf(raw: Uint8Array, pieceLength = 1000, frame: Uint8Array = zstdCompressSync(raw)): CatalogFrame {
  return {
    length: frame.length,
    sha256: createHash('sha256').update(frame).digest(),
    catalogLength: raw.length,
    *read() {
      for (let at = 0; at < frame.length; at += pieceLength) yield frame.subarray(at, at + pieceLength);
    },
  };
}

export type BundleChanges = Partial<Omit<BundleToSeal, 'facts' | 'identity'>> & {
  readonly facts?: Partial<BundleToSeal['facts']>;
  readonly identity?: Partial<BundleToSeal['identity']>;
};

export async function sampleBundle({ facts, identity, ...rest }: BundleChanges = {}): Promise<SealedObject> {
  return await sealBundle({
    identity: { installationId, masterKeyId, drkId, sequence: 7, storeId: testStoreId, bundleId, ...identity },
    facts: {
      created,
      machineId: '0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0ff',
      keyring: Buffer.from('a keyring'),
      heads: { policies: {}, keyring: { sequence: 3, sha256: Buffer.alloc(32, 3) }, term: null },
      base: null,
      restorePoints: 12,
      audit: { sequence: 4, sha256: Buffer.alloc(32, 4) },
      ...facts,
    },
    catalog: frameOf(catalog),
    drSlot,
    bundleKey,
    ownerKey,
    entropy: entropyFrom('bundle'),
    ...rest,
  });
}

export async function openSample(
  bytes: Uint8Array,
  expecting: Partial<BundleExpectations> = {},
  key: KeyObject = bundleKey,
): Promise<OpenedBundle> {
  const stored = await StoredBundle.read(bundleSourceOf(bytes), 'a bundle');
  return await stored.open(key, { ...expected, ...expecting });
}

/** All that a reader does, to the last byte. */
export async function readSample(bytes: Uint8Array): Promise<Buffer> {
  const opened = await openSample(bytes);
  opened.checkOwnerTag(ownerKey);
  return await bytesOf(opened.frame());
}

export async function bytesOf(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(Uint8Array.from(piece));
  return Buffer.concat(all);
}
