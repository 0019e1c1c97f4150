import { sameBytes } from '../../repository/bytes.ts';

/** A term that is known: its number, and the SHA-256 of its stored bytes. */
export interface TermHead {
  readonly n: number;
  readonly sha256: Uint8Array;
}

/** A term that this daemon has written, and found to count. */
export interface OwnTerm extends TermHead {
  /** `null` where the store has no versions. */
  readonly versionId: string | null;
}

/** What a daemon remembers of who owns one location. */
export interface OwnershipMemory {
  /** The highest authentic term that was ever seen there. */
  readonly highest: TermHead | null;
  /** The last one of this daemon's own. */
  readonly mine: OwnTerm | null;
  /**
   * Why it counts for nothing until the location is taken anew. `restored`: the catalog came out of a bundle, so that another machine may go on with the same one.
   * `lost`: the own term was taken away, so that nobody else can see it.
   */
  readonly setAside: 'restored' | 'lost' | null;
}

/**
 * - `unclaimed`: nobody has ever taken the location; it is used as if there were no terms.
 * - `owner`: the highest term is this daemon's.
 * - `superseded`: another one's is.
 * - `cloned`: another one's has the number of this daemon's own last term: there are two of this daemon.
 * - `lost`: this daemon's term is not there any more: nobody can tell who owns the location.
 * - `restored`: this daemon came out of a bundle and has not taken the location yet.
 */
export type OwnershipState = 'unclaimed' | 'owner' | 'superseded' | 'cloned' | 'lost' | 'restored';

export const nothingKnown: OwnershipMemory = { highest: null, mine: null, setAside: null };

/** The state follows from what is remembered alone: no store and no clock can take it back. */
export function ownershipState({ highest, mine, setAside }: OwnershipMemory): OwnershipState {
  if (setAside === 'restored') return 'restored';
  if (highest === null) return 'unclaimed';
  if (mine === null || highest.n > mine.n) return 'superseded';
  if (!sameBytes(highest.sha256, mine.sha256)) return 'cloned';
  return setAside ?? 'owner';
}

/** Whether runs may commit, retire and collect. Extending goes on in every state. */
export function mayChange(state: OwnershipState): state is 'owner' | 'unclaimed' {
  return state === 'owner' || state === 'unclaimed';
}

/** With an authentic term that counts in the store. Never goes back: not to a lower number, and not from another's to one's own. */
export function afterSeeing(memory: OwnershipMemory, { n, sha256 }: TermHead): OwnershipMemory {
  const { highest, mine } = memory;
  const isOwnGone = highest !== null && mine !== null && highest.n === mine.n && sameBytes(highest.sha256, mine.sha256);
  const isNewer = highest === null || n > highest.n || (n === highest.n && isOwnGone && !sameBytes(sha256, mine.sha256));
  return isNewer ? { ...memory, highest: { n, sha256 } } : memory;
}

/** With the highest authentic term of a look that began with `before`. An owner is who finds his term there: where it is gone, another one may have taken the location. */
export function afterLook(memory: OwnershipMemory, seen: TermHead | undefined, before: OwnershipMemory): OwnershipMemory {
  const { mine } = memory;
  const wasThere = mine !== null && before.mine?.n === mine.n && (seen?.n ?? 0) < mine.n;
  if (wasThere && ownershipState(memory) === 'owner') return { ...memory, setAside: 'lost' };
  return seen === undefined ? memory : afterSeeing(memory, seen);
}

/** With a term of one's own that was found to count. What was seen meanwhile stays: the state says whether the location was taken. */
export function afterTaking(memory: OwnershipMemory, mine: OwnTerm): OwnershipMemory {
  const { n, sha256 } = mine;
  const seen = afterSeeing(memory, { n, sha256 });
  if (seen.highest?.n !== n || !sameBytes(seen.highest.sha256, sha256)) return seen;
  return { highest: { n, sha256 }, mine, setAside: null };
}

/** For a catalog that comes out of a bundle: it is another machine's as long as nothing was taken. */
export function asRestored({ highest }: OwnershipMemory): OwnershipMemory {
  return { highest, mine: null, setAside: 'restored' };
}

/** Where one location's memory is kept. */
export interface OwnershipMemories {
  /** `nothingKnown` where nothing was kept. */
  get(): OwnershipMemory;
  /** Keeps what `change` makes of it, durable when it returns. One change comes after the other. */
  change(change: (memory: OwnershipMemory) => OwnershipMemory): OwnershipMemory;
}
