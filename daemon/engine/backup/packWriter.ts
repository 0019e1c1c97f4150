import { uuidBytes } from '../../../protocol/ids.ts';
import { codecBufferLength, type EncodedBlock, encodeBlock } from '../../repository/blockCodec.ts';
import type { ChunkKind } from '../../repository/chunkId.ts';
import type { ChunkRows } from '../../repository/chunkRows.ts';
import { sealPack } from '../../repository/container.ts';
import { newObjectId, systemEntropy } from '../../repository/entropy.ts';
import { type PackBlock, PackBuilder } from '../../repository/pack.ts';
import { packBlockOf, parsePackDirectory } from '../../repository/packDirectory.ts';
import { fullPackPlaintextLength } from '../../repository/padding.ts';
import type { ShortLivedMemory } from '../threads/shortLivedMemory.ts';
import type { SealedBuffers } from '../threads/sealedBuffers.ts';
import { looksIncompressible } from './compressibility.ts';
import type { PackContext, PackTail, SealedPackMessage } from './messages.ts';

/**
 * One thread's open pack. Blocks are appended to its plaintext; when the next does not fit, the pack is sealed into a sealed buffer
 * (waiting for a free one), checked, and delivered, and the plaintext is filled anew.
 */
export class PackWriter {
  readonly #context: PackContext;
  readonly #sealed: SealedBuffers;
  readonly #deliver: (message: SealedPackMessage) => void;
  readonly #plaintext: SharedArrayBuffer = new SharedArrayBuffer(fullPackPlaintextLength);
  readonly #shortLived: ShortLivedMemory;
  readonly #builder: PackBuilder = new PackBuilder(Buffer.from(this.#plaintext));

  constructor(context: PackContext, sealed: SealedBuffers, shortLived: ShortLivedMemory, deliver: (message: SealedPackMessage) => void) {
    this.#shortLived = shortLived;
    this.#context = context;
    this.#sealed = sealed;
    this.#deliver = deliver;
  }

  get isEmpty(): boolean {
    return this.#builder.blockCount === 0;
  }

  /** Compresses `raw` where that helps, and appends it as one block. `chunks` may be used again afterwards. Throws `RunStopped`. */
  add(kind: ChunkKind, raw: Uint8Array, chunks: ChunkRows): void {
    const block = looksIncompressible(raw) ? { codec: 'raw' as const, stored: raw } : this.#compress(raw);
    this.#append({ kind, codec: block.codec, rawLength: raw.length, stored: block.stored, chunks });
  }

  /** Appends the blocks of another thread's pack as they are. */
  absorb(tail: PackTail): void {
    const plaintext = Buffer.from(tail.plaintext);
    const directory = parsePackDirectory(tail.directory, tail.blockCount, tail.blocksLength, 'an open pack');
    for (const block of directory.blocks) this.#append(packBlockOf(plaintext, block));
  }

  /** The open pack's blocks, to be absorbed by another thread; this writer takes no more. */
  tail(): PackTail {
    return {
      plaintext: this.#plaintext,
      blocksLength: this.#builder.length,
      directory: Uint8Array.from(this.#builder.directory()),
      blockCount: this.#builder.blockCount,
    };
  }

  /** Seals what there is, full or not. */
  flush(): void {
    if (!this.isEmpty) this.#seal('tail');
  }

  #compress(raw: Uint8Array): EncodedBlock {
    const block = encodeBlock(raw, this.#context.compressionLevel);
    this.#shortLived.noteHeld(codecBufferLength);
    this.#shortLived.note(2 * block.stored.length);
    return block;
  }

  #append(block: PackBlock): void {
    if (block.stored.length > this.#builder.roomFor(block.chunks.count)) this.#seal('full');
    this.#builder.append(block);
  }

  #seal(size: 'full' | 'tail'): void {
    const builder = this.#builder;
    const { keys, storeId } = this.#context;
    const buffer = this.#sealed.take();
    const directory = Uint8Array.from(builder.directory());
    const { blockCount, length: blocksLength } = builder;
    const objectId = Uint8Array.from(newObjectId(systemEntropy));
    const identity = {
      type: 'pack',
      keyGeneration: keys.keyGeneration,
      installationId: keys.installationId,
      masterKeyId: keys.masterKeyId,
      scopeId: uuidBytes(keys.policyId),
      objectId,
      sequence: 0,
      storeId,
    } as const;
    const { storedLength, salt, sha256 } = sealPack(keys.pack, identity, builder.finish(size), this.#sealed.bytes(buffer), systemEntropy);
    builder.reset();
    this.#deliver({
      type: 'pack',
      buffer,
      pack: {
        objectId,
        salt: Uint8Array.from(salt),
        sha256: Uint8Array.from(sha256),
        storedLength,
        versionId: null,
        directory,
        blockCount,
        blocksLength,
      },
    });
  }
}
