import { chunkIdOf, idKeyOf } from '../../repository/chunkId.ts';
import { ChunkRows } from '../../repository/chunkRows.ts';
import { type ChunkTable, ownPack } from '../dedup/chunkTable.ts';
import { hashStateLength, type ShortLivedMemory } from '../threads/shortLivedMemory.ts';
import type { PackContext } from './messages.ts';
import type { PackWriter } from './packWriter.ts';

const gatheredLength = 512 * 1024;
const maxGatheredChunks = 4096;
type NodeKind = 'tree' | 'list';

/** Stores the nodes of trees and lists: names them, knows those that are stored already, gathers the others into blocks of their kind. */
export class NodeStore {
  readonly #context: PackContext;
  readonly #table: ChunkTable;
  readonly #hits: Uint8Array;
  readonly #shortLived: ShortLivedMemory;
  readonly #writer: PackWriter;
  readonly #open: Readonly<Record<NodeKind, Gathered>> = { tree: new Gathered(), list: new Gathered() };

  constructor(context: PackContext, table: ChunkTable, hits: Uint8Array, shortLived: ShortLivedMemory, writer: PackWriter) {
    this.#context = context;
    this.#table = table;
    this.#hits = hits;
    this.#shortLived = shortLived;
    this.#writer = writer;
  }

  /** Stores a node and returns its id. `bytes` may be used again afterwards. */
  store(kind: NodeKind, bytes: Uint8Array): Buffer {
    const id = chunkIdOf(idKeyOf(this.#context.keys, kind), bytes);
    this.#shortLived.note(hashStateLength + bytes.length);
    const known = this.#table.claim(id, ownPack);
    if (known > ownPack) this.#hits[known] = 1;
    if (known >= 0) return id;
    const gathered = this.#open[kind];
    if (gathered.length + bytes.length > gatheredLength || gathered.rows.count === maxGatheredChunks) this.#flush(kind);
    if (bytes.length > gatheredLength) {
      const rows = new ChunkRows();
      rows.push(id, 0, bytes.length);
      this.#writer.add(kind, bytes, rows);
    } else {
      gathered.add(id, bytes);
    }
    return id;
  }

  flush(): void {
    this.#flush('tree');
    this.#flush('list');
  }

  #flush(kind: NodeKind): void {
    const gathered = this.#open[kind];
    if (gathered.rows.count === 0) return;
    this.#writer.add(kind, gathered.bytes.subarray(0, gathered.length), gathered.rows);
    gathered.rows.clear();
    gathered.length = 0;
  }
}

class Gathered {
  readonly bytes: Buffer = Buffer.allocUnsafeSlow(gatheredLength);
  readonly rows: ChunkRows = new ChunkRows();
  length = 0;

  add(id: Uint8Array, chunk: Uint8Array): void {
    this.bytes.set(chunk, this.length);
    this.rows.push(id, this.length, chunk.length);
    this.length += chunk.length;
  }
}
