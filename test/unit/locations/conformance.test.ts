import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FileSystem } from '../../../daemon/locations/fileAccess.ts';
import { openFilesystemStore } from '../../../daemon/locations/filesystem.ts';
import { initialiseStore } from '../../../daemon/locations/marker.ts';
import { CountingStore } from '../../support/countingStore.ts';
import { FaultyStore } from '../../support/faultyStore.ts';
import { newId } from '../../support/ids.ts';
import { MemoryDisk } from '../../support/memoryDisk.ts';
import { MemoryStore } from '../../support/memoryStore.ts';
import { describeStore, type StoreUnderTest } from '../../support/storeConformance.ts';

async function onFileSystem(root: string, fileSystem?: FileSystem): Promise<StoreUnderTest['store']> {
  const options = fileSystem === undefined ? {} : { fileSystem };
  const { storeId } = await initialiseStore(root, { storeId: newId(), now: new Date(), ...options });
  return await openFilesystemStore({ root, storeId, ...options });
}

async function onMemoryDisk(hardLinks: boolean): Promise<StoreUnderTest> {
  const disk = new MemoryDisk();
  disk.hardLinks = hardLinks;
  return { store: await onFileSystem('/', disk), dispose: () => Promise.resolve() };
}

describeStore('filesystem', async () => {
  const root = await mkdtemp(join(tmpdir(), 'holdfast-store-'));
  return { store: await onFileSystem(root), dispose: () => rm(root, { recursive: true, force: true }) };
});
describeStore('filesystem on the simulated disk', () => onMemoryDisk(true));
describeStore('filesystem without hard links', () => onMemoryDisk(false));
describeStore('memory', async () => ({ store: new MemoryStore({ pageLength: 2 }), dispose: () => Promise.resolve() }));
describeStore('memory with versions', async () => ({ store: new MemoryStore({ versions: true }), dispose: () => Promise.resolve() }));
describeStore('wrappers without faults', async () => ({
  store: new CountingStore(new FaultyStore(new MemoryStore(), [])),
  dispose: () => Promise.resolve(),
}));
