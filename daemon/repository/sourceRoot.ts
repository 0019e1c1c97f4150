import type { Entry } from './entry.ts';
import type { ManifestSource } from './manifestTypes.ts';
import { refusal } from './refusal.ts';
import { isLeaf } from './treeNode.ts';
import type { TreeReader } from './treeReader.ts';

const folderName = Buffer.from('root');
const outputName = Buffer.from('output');

/**
 * The entry of a source itself (docs/format.md, Root of a source). Rejects with `damaged` (`sourceRoot`) where its root is not one node of level 0
 * with the one entry that its kind has, and with the refusal of the node or the entry.
 */
export async function readSourceRoot(
  tree: TreeReader,
  source: Pick<ManifestSource, 'id' | 'kind' | 'root'>,
  signal?: AbortSignal,
): Promise<Entry> {
  const node = await tree.topNode(source.root, signal);
  const [record] = isLeaf(node) ? node.entries : [];
  if (!isLeaf(node) || node.entries.length !== 1 || record === undefined) {
    throw refusal(`source ${source.id}`, 'sourceRoot', 'its root is not one node of one entry');
  }
  const entry = tree.decode(record);
  if (!isRootOf(source.kind, entry)) throw refusal(`source ${source.id}`, 'sourceRoot', 'its root is not what a source of its kind has');
  return entry;
}

function isRootOf(kind: ManifestSource['kind'], entry: Entry): boolean {
  if (kind === 'command') return (entry.kind === 'file' || entry.kind === 'stream') && outputName.equals(entry.name);
  return entry.kind === 'file' || (entry.kind === 'directory' && folderName.equals(entry.name));
}
