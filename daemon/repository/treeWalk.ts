import { HoldfastError } from '../../protocol/errors.ts';
import { hexOf, sameBytes } from './bytes.ts';
import { isUnreadable } from './chunkReader.ts';
import type { Entry } from './entry.ts';
import { refusal } from './refusal.ts';
import type { Leaf, TreeReader } from './treeReader.ts';

const maxDepth = 4096;
const defaultMaxEntries = 2 ** 28;

/** A folder on the way; the source's root has no parent. */
export interface WalkedFolder {
  readonly name: Uint8Array;
  readonly parent: WalkedFolder | undefined;
  readonly depth: number;
  readonly id: Uint8Array;
}

export type WalkedItem =
  /** `folder` is `undefined` for the entry of the source itself. */
  | { readonly type: 'entry'; readonly folder: WalkedFolder | undefined; readonly entry: Entry }
  /** One entry that is refused; its siblings still come. */
  | { readonly type: 'refused'; readonly folder: WalkedFolder | undefined; readonly name: Uint8Array; readonly error: HoldfastError }
  /** Part or all of a folder that cannot be read. */
  | { readonly type: 'unreadable'; readonly folder: WalkedFolder | undefined; readonly error: HoldfastError };

export interface WalkOptions {
  readonly signal?: AbortSignal;
  /** Entries after which the walk ends with a refusal; 2^28 by default. */
  readonly maxEntries?: number;
}

interface Open {
  readonly folder: WalkedFolder | undefined;
  readonly leaves: AsyncGenerator<Leaf>;
  items: readonly WalkedItem[];
  at: number;
}

/**
 * Everything below a source's root, folders before what is in them, in order. What is damaged is given as such and the rest still comes.
 * Throws `damaged` (`treeNode`) only where the cap of entries is reached; errors of the store pass through.
 */
export async function* walkTree(tree: TreeReader, root: Uint8Array, options: WalkOptions = {}): AsyncGenerator<WalkedItem> {
  const { signal, maxEntries = defaultMaxEntries } = options;
  const leafOptions = signal === undefined ? {} : { signal };
  const open: Open[] = [{ folder: undefined, leaves: tree.leaves(root, leafOptions), items: [], at: 0 }];
  let count = 0;
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const item = top.items[top.at];
    if (item === undefined) {
      const next = await top.leaves.next();
      if (next.done === true) {
        open.pop();
      } else {
        top.items = itemsOf(tree, top.folder, next.value);
        top.at = 0;
      }
      continue;
    }
    top.at += 1;
    signal?.throwIfAborted();
    count += 1;
    if (count > maxEntries) throw refusal('the tree', 'treeNode', `it has more than ${maxEntries} entries`);
    const child = childOf(item);
    const fault = child === undefined ? undefined : faultOf(child);
    yield fault === undefined || child === undefined ? item : { type: 'refused', folder: child.parent, name: child.name, error: fault };
    if (child === undefined || fault !== undefined) continue;
    open.push({ folder: child, leaves: tree.leaves(child.id, leafOptions), items: [], at: 0 });
  }
}

/** The names from the source's root, which is left out, to `name`. */
export function namesOf(folder: WalkedFolder | undefined, name?: Uint8Array): Uint8Array[] {
  const names = name === undefined || folder === undefined ? [] : [name];
  for (let at = folder; at?.parent !== undefined; at = at.parent) names.push(at.name);
  return names.toReversed();
}

function itemsOf(tree: TreeReader, folder: WalkedFolder | undefined, leaf: Leaf): WalkedItem[] {
  if ('refused' in leaf) {
    const error = leaf.refused;
    if (!isUnreadable(error)) throw error;
    return [{ type: 'unreadable', folder, error }];
  }
  return leaf.entries.map((record): WalkedItem => {
    try {
      return { type: 'entry', folder, entry: tree.decode(record) };
    } catch (error) {
      if (!HoldfastError.is(error)) throw error;
      return { type: 'refused', folder, name: record.name, error };
    }
  });
}

function childOf(item: WalkedItem): WalkedFolder | undefined {
  if (item.type !== 'entry' || item.entry.child === undefined) return undefined;
  return { name: item.entry.name, parent: item.folder, depth: (item.folder?.depth ?? 0) + 1, id: item.entry.child };
}

function faultOf(folder: WalkedFolder): HoldfastError | undefined {
  const subject = `tree node ${hexOf(folder.id).slice(0, 16)}`;
  if (folder.depth > maxDepth) return refusal(subject, 'treeDepth', `it lies more than ${maxDepth} folders deep`);
  for (let at = folder.parent; at !== undefined; at = at.parent) {
    if (sameBytes(at.id, folder.id)) return refusal(subject, 'treeCycle', 'it lies inside itself');
  }
  return undefined;
}
