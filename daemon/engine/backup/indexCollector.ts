import { uuidBytes } from '../../../protocol/ids.ts';
import { sealObject } from '../../repository/container.ts';
import { newObjectId, systemEntropy } from '../../repository/entropy.ts';
import { IndexBuilder } from '../../repository/indexBuilder.ts';
import type { IndexView, PackRow } from '../../repository/indexView.ts';
import { parsePackDirectory } from '../../repository/packDirectory.ts';
import { type IndexPin, openPinnedIndex } from '../../repository/pinnedIndex.ts';
import type { PackContext, SealedIndex, StoredPack } from './messages.ts';

/** An index is written when so many chunks are collected, so that a run of any size needs little memory for them. */
const chunksPerIndex = 512 * 1024;

/** Collects the packs of a run and writes their indexes. */
export class IndexCollector {
  readonly #context: PackContext;
  readonly #emit: (index: SealedIndex) => void;
  #builder: IndexBuilder = new IndexBuilder();
  #nextSequence: number;

  constructor(context: PackContext, nextSequence: number, emit: (index: SealedIndex) => void) {
    this.#context = context;
    this.#nextSequence = nextSequence;
    this.#emit = emit;
  }

  get nextSequence(): number {
    return this.#nextSequence;
  }

  /** Adds a pack that is in the store. */
  add(pack: StoredPack): void {
    const { keys } = this.#context;
    const directory = parsePackDirectory(pack.directory, pack.blockCount, pack.blocksLength, 'a pack of this run');
    this.#builder.addPack(
      {
        objectId: pack.objectId,
        salt: pack.salt,
        keyGeneration: keys.keyGeneration,
        keyEpoch: keys.keyEpoch,
        storedLength: pack.storedLength,
        sha256: pack.sha256,
        versionId: pack.versionId,
      },
      directory,
    );
    if (this.#builder.chunkCount >= chunksPerIndex) this.flush();
  }

  /** Adds what another index holds, but for packs that `keepsPack` leaves out. */
  addIndex(view: IndexView, keepsPack: (pack: PackRow) => boolean): void {
    this.#builder.addIndex(view, keepsPack);
    if (this.#builder.chunkCount >= chunksPerIndex) this.flush();
  }

  /** Writes what is collected. */
  flush(): void {
    if (this.#builder.chunkCount === 0) return;
    const contents = this.#builder.encode();
    this.#builder = new IndexBuilder();
    for (const content of contents) this.#seal(content);
  }

  #seal(content: Uint8Array): void {
    const { keys, storeId } = this.#context;
    const sequence = this.#nextSequence;
    this.#nextSequence += 1;
    const objectId = Uint8Array.from(newObjectId(systemEntropy));
    const identity = {
      type: 'index',
      keyGeneration: keys.keyGeneration,
      installationId: keys.installationId,
      masterKeyId: keys.masterKeyId,
      scopeId: uuidBytes(keys.policyId),
      objectId,
      sequence,
      storeId,
    } as const;
    const { bytes, sha256, salt } = sealObject(keys.index, identity, content, systemEntropy);
    this.#emit({ sequence, objectId, salt: Uint8Array.from(salt), sha256: Uint8Array.from(sha256), bytes });
  }
}

/** Opens a parent index. Throws a refusal where it is not what its manifest pinned, or was written under other keys. */
export function openParentIndex(context: PackContext, pinned: IndexPin, stored: Uint8Array): IndexView {
  const { keys, storeId } = context;
  const { installationId, masterKeyId, keyGeneration } = keys;
  const scope = { installationId, scopeId: uuidBytes(keys.policyId), storeId, masterKeyId, keyGeneration };
  return openPinnedIndex(pinned, stored, scope, () => keys.index);
}
