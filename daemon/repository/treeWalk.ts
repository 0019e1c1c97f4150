import { HoldfastError } from '../../protocol/errors.ts';
import { isUnreadable } from './chunkReader.ts';
import type { Entry } from './entry.ts';
import { refusal } from './refusal.ts';
import type { Leaf, NodePlace, TreeReader } from './treeReader.ts';

const defaultMaxEntries = 2 ** 28;

/** A folder on the way; the source's root has no parent. */
export interface WalkedFolder {
  readonly name: Uint8Array;
  readonly parent: WalkedFolder | undefined;
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
  /** Counts the entries of all walks that share it; 2^28 in one walk by default. */
  readonly budget?: EntryBudget;
}

/** The cap on entries, over all sources of a restore point. */
export class EntryBudget {
  readonly #limit: number;
  #count = 0;

  constructor(limit: number = defaultMaxEntries) {
    this.#limit = limit;
  }

  /** Throws `damaged` (`entryLimit`) where this entry is one too many. */
  take(): void {
    this.#count += 1;
    if (this.#count > this.#limit) throw refusal('the restore point', 'entryLimit', `it has more than ${this.#limit} entries`);
  }
}

interface Open {
  readonly folder: WalkedFolder | undefined;
  readonly leaves: AsyncGenerator<Leaf>;
  place: NodePlace | undefined;
  items: readonly WalkedItem[];
  at: number;
}

/**
 * Everything below a source's root, folders before what is in them, in order. What is damaged is given as such and the rest still comes.
 * Throws `damaged` (`entryLimit`) only where the cap of entries is reached; errors of the store pass through.
 */
export async function* walkTree(tree: TreeReader, root: Uint8Array, options: WalkOptions = {}): AsyncGenerator<WalkedItem> {
  const { signal, budget = new EntryBudget() } = options;
  const leafOptions = signal === undefined ? {} : { signal };
  const open: Open[] = [{ folder: undefined, leaves: tree.leaves(root, leafOptions), place: undefined, items: [], at: 0 }];
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const item = top.items[top.at];
    if (item === undefined) {
      const next = await top.leaves.next();
      if (next.done === true) {
        open.pop();
      } else {
        top.place = 'place' in next.value ? next.value.place : undefined;
        top.items = itemsOf(tree, top.folder, next.value);
        top.at = 0;
      }
      continue;
    }
    top.at += 1;
    signal?.throwIfAborted();
    budget.take();
    yield item;
    if (item.type !== 'entry' || item.entry.child === undefined) continue;
    const folder = { name: item.entry.name, parent: item.folder };
    const under = top.place === undefined ? {} : { under: top.place };
    open.push({ folder, leaves: tree.leaves(item.entry.child, { ...leafOptions, ...under }), place: undefined, items: [], at: 0 });
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
