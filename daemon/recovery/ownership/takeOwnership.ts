import { HoldfastError } from '../../../protocol/errors.ts';
import { sameBytes } from '../../repository/bytes.ts';
import { afterSeeing, afterTaking, type OwnershipMemories, type OwnTerm, ownershipState, type TermHead } from './ownershipMemory.ts';
import type { TermFinding } from './termFinding.ts';
import { countingTerm, readTerms, type SeenTerm, type TermPlace } from './termReader.ts';

/** Longer than one request to a store is under way: it is given up before. */
export const requestMilliseconds = 60_000;

export interface TakeRequest {
  /** A UUID. */
  readonly machineId: string;
  /** Object id of the bundle that this daemon's state came from. */
  readonly bundle: Uint8Array | null;
  /**
   * Somebody has confirmed that no other machine takes the location at this time. Needed where the store puts over what another one has just put: there nothing but
   * waiting tells two machines apart.
   */
  readonly isConfirmed: boolean;
  readonly memories: OwnershipMemories;
  /** Rejects when the signal is aborted. */
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

export interface TakenOwnership {
  /** `superseded`: another machine took the location at the same time, or has taken it since. */
  readonly state: 'owner' | 'superseded';
  /** The highest term, this daemon's own or the other one's; what to keep locked, and to name in heads. */
  readonly term: SeenTerm;
  /** What lies about that is no term; some of each kind. */
  readonly findings: readonly TermFinding[];
  readonly findingsCount: number;
}

/**
 * Takes a location for this daemon: puts the next term, locked as all that is put there, and looks whether it is the one that counts (docs/format.md, Recovery:
 * ownership). Everybody else is superseded from then on. A take that was cut short, or whose answers were lost, is taken anew with another number. Rejects with
 * `confirmationNeeded`, with `refusedByRule` where no term can be put, and as the store does; then the location has not been taken.
 */
export async function takeOwnership(place: TermPlace, request: TakeRequest): Promise<TakenOwnership> {
  const { store, codec, signal } = place;
  const { memories } = request;
  if (!store.capabilities.conditionalPut && !request.isConfirmed) throw mustConfirm();
  const { highest, findings, findingsCount } = await readTerms(place, memories.get().highest);
  const before = see(memories, highest);
  const n = (before?.n ?? 0) + 1;
  if (!Number.isSafeInteger(n)) throw HoldfastError.failedTo('refusedByRule', 'take the location', 'no further term has a number');
  const storeTime = (await store.versions?.time({ signal }))?.toISOString() ?? null;
  const { machineId, bundle } = request;
  const previous = before?.sha256 ?? null;
  const { bytes, sha256 } = codec.seal({ n, previous, machineId, storeTime, bundle });
  await putTerm(place, n, bytes);
  // Another machine's put may be under way that the store takes for the earlier one.
  if (!store.capabilities.conditionalPut) await request.sleep(requestMilliseconds, signal);
  const counting = await countingTerm(place, n);
  const higher = await countingTerm(place, n + 1);
  const told = { findings, findingsCount };
  if (counting !== undefined && higher === undefined && sameBytes(counting.sha256, sha256)) {
    const own: OwnTerm = { n, sha256, versionId: counting.versionId };
    const memory = memories.change((known) => afterTaking(known, own));
    if (ownershipState(memory) === 'owner') return { state: 'owner', term: counting, ...told };
  }
  const other = higher ?? counting;
  if (other === undefined) throw notThere(codec.keyOf(n));
  see(memories, other);
  return { state: 'superseded', term: other, ...told };
}

/** The highest that is remembered with it. */
function see(memories: OwnershipMemories, seen: TermHead | undefined): TermHead | null {
  return memories.change((memory) => (seen === undefined ? memory : afterSeeing(memory, seen))).highest;
}

/** Resolves also where another machine's term is there: which one counts is seen afterwards. */
async function putTerm(place: TermPlace, n: number, bytes: Uint8Array): Promise<void> {
  const { store, codec, signal } = place;
  const key = codec.keyOf(n);
  try {
    await store.put(key, bytes, { signal });
  } catch (error) {
    if (!HoldfastError.is(error, 'objectExists')) throw error;
    if ((await countingTerm(place, n)) !== undefined) return;
    if (store.versions === undefined) throw squatted(key, error);
    // Junk keeps nobody from a number: the first that is authentic counts, whatever lies below.
    await store.put(key, bytes, { signal, asFurtherVersion: true });
  }
}

function mustConfirm(): HoldfastError {
  return HoldfastError.failedTo(
    'confirmationNeeded',
    'take the location',
    'its store puts over what another machine has put, so that two that take it at the same time could both believe that it is theirs',
    { fix: 'Make sure that no other machine takes it now, then confirm it.' },
  );
}

function squatted(key: string, cause: unknown): HoldfastError {
  return HoldfastError.failedTo(
    'refusedByRule',
    'take the location',
    `under the name of the next term lies something that is none: ${key}`,
    {
      fix: 'Find out who put it there, take it away, and take the location again.',
      details: { key },
      cause,
    },
  );
}

function notThere(key: string): HoldfastError {
  return HoldfastError.failedTo('storeFailed', 'take the location', `the term that was put is not there: ${key}`, {
    fix: 'Look at the location with "holdfast location validate", then take it again.',
    details: { key },
  });
}
