import type { FileContent } from '../../repository/entry.ts';
import { maxDirectChunks } from '../../repository/entry.ts';
import { ListBuilder } from '../../repository/list.ts';
import { chunkIdLength } from '../../repository/chunkId.ts';
import { chunkRefLength } from './fileTasks.ts';
import type { NodeStore } from './nodeStore.ts';

/** Where the data of a file lies, and what that relies on. */
export interface StoredContent {
  /** `undefined` where there is no data. */
  readonly content: FileContent | undefined;
  /** All chunks that are reached, list nodes included; 32 bytes each. */
  readonly ids: Uint8Array;
}

/** Chunks as an entry names them: up to 64 ids, else a list, whose nodes are stored. `chunks`: rows of 32-byte id and u32 length. */
export function contentOf(chunks: Uint8Array, nodes: Pick<NodeStore, 'store'>): StoredContent {
  const count = chunks.length / chunkRefLength;
  if (count === 0) return { content: undefined, ids: new Uint8Array(0) };
  const rows = Buffer.from(chunks.buffer, chunks.byteOffset, chunks.byteLength);
  const ids = Buffer.allocUnsafe(count * chunkIdLength);
  for (let row = 0; row < count; row += 1) {
    rows.copy(ids, row * chunkIdLength, row * chunkRefLength, row * chunkRefLength + chunkIdLength);
  }
  if (count <= maxDirectChunks) return { content: { form: 'ids', ids }, ids };
  const nodeIds: Uint8Array[] = [];
  const list = new ListBuilder((node) => {
    const id = nodes.store('list', node);
    nodeIds.push(id);
    return id;
  });
  for (let row = 0; row < count; row += 1) {
    list.push(ids.subarray(row * chunkIdLength, (row + 1) * chunkIdLength), rows.readUInt32LE(row * chunkRefLength + chunkIdLength));
  }
  return { content: list.finish(), ids: Buffer.concat([...nodeIds, ids]) };
}

/** Bytes of all chunks together. */
export function sumOfLengths(chunks: Uint8Array): number {
  const rows = Buffer.from(chunks.buffer, chunks.byteOffset, chunks.byteLength);
  let sum = 0;
  for (let at = chunkIdLength; at < rows.length; at += chunkRefLength) sum += rows.readUInt32LE(at);
  return sum;
}
