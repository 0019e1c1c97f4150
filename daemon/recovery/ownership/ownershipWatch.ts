import { HoldfastError } from '../../../protocol/errors.ts';
import { type ClockReading, elapsedBetween, readClocks } from '../../locks/localClocks.ts';
import { sameBytes } from '../../repository/bytes.ts';
import { afterLook, mayChange, type OwnershipMemories, type OwnershipState, ownershipState, type OwnTerm } from './ownershipMemory.ts';
import type { TermFinding } from './termFinding.ts';
import { countingTerm, readTerms, type SeenTerm, type TermPlace, termNumbers } from './termReader.ts';

export interface OwnershipLook {
  readonly state: OwnershipState;
  /** The highest term that is there, where this look has read it. */
  readonly term: SeenTerm | undefined;
  /** Of a thorough look; some of each kind. */
  readonly findings: readonly TermFinding[];
  readonly findingsCount: number;
}

export interface LookOptions {
  /** Reads all that is there, also where nothing seems to have changed. */
  readonly isThorough?: boolean;
}

/** So long quick looks are enough. */
const quickMilliseconds = 3_600_000;

/**
 * Whether a location is still this daemon's. The first look and one in each hour are thorough. All others ask whether a further term is there and whether the own one
 * still is: two requests. Where there are locks, the next term is asked for by its name, whatever else lies about: it is locked for longer than an hour. Elsewhere
 * it may have been deleted since, and one after it may be there, so that names are listed. What is lost stays lost, without a request.
 */
export class OwnershipWatch {
  readonly #memories: OwnershipMemories;
  readonly #clocks: () => ClockReading;
  #thoroughAt: ClockReading | undefined;

  constructor(memories: OwnershipMemories, clocks: () => ClockReading = readClocks) {
    this.#memories = memories;
    this.#clocks = clocks;
  }

  /** Rejects as the store does: who could not look must not go on. */
  async look(place: TermPlace, { isThorough = false }: LookOptions = {}): Promise<OwnershipLook> {
    const memory = this.#memories.get();
    const state = ownershipState(memory);
    const isSettled = !isThorough && (!mayChange(state) || (this.#mayBeQuick && (await this.#isUnchanged(place))));
    if (isSettled) return { state, term: undefined, findings: [], findingsCount: 0 };
    const began = this.#clocks();
    const { highest, findings, findingsCount } = await readTerms(place, memory.highest);
    const seen = this.#memories.change((known) => afterLook(known, highest, memory));
    this.#thoroughAt = began;
    return { state: ownershipState(seen), term: highest, findings, findingsCount };
  }

  get #mayBeQuick(): boolean {
    return this.#thoroughAt !== undefined && elapsedBetween(this.#thoroughAt, this.#clocks()).most < quickMilliseconds;
  }

  async #isUnchanged(place: TermPlace): Promise<boolean> {
    const { highest, mine } = this.#memories.get();
    const next = (highest?.n ?? 0) + 1;
    const isFurther =
      place.store.capabilities.lock === 'soft'
        ? (await termNumbers(place)).some((n) => n >= next)
        : (await countingTerm(place, next)) !== undefined;
    return !isFurther && (mine === null || (await isThere(place, mine)));
  }
}

/** Whether the term is there and counts. Where the store has versions it is enough that it is there: what came later does not count. */
async function isThere(place: TermPlace, { n, sha256, versionId }: OwnTerm): Promise<boolean> {
  const { store, codec, signal } = place;
  if (versionId !== null) return (await store.head(codec.keyOf(n), { versionId, signal })) !== undefined;
  const counting = await countingTerm(place, n);
  return counting !== undefined && sameBytes(counting.sha256, sha256);
}

/** The refusal of what only an owner may do; `undefined` where this daemon may. `action` reads "back up policy x". */
export function ownershipRefusal(state: OwnershipState, action: string): HoldfastError | undefined {
  if (mayChange(state)) return undefined;
  return HoldfastError.failedTo('refusedByRule', action, reasons[state], {
    fix: 'Go on with the other machine; or, if this one is to own the location, run "holdfast dr take-ownership".',
    details: { ownership: state },
  });
}

const reasons: Readonly<Record<Exclude<OwnershipState, 'owner' | 'unclaimed'>, string>> = {
  superseded: 'another machine has taken ownership of the location',
  cloned: 'another machine works with a copy of this state directory, and the location is the one or the other one’s',
  lost: 'the term by which this machine owned the location was taken away, so that nobody can tell whose it is',
  restored: 'this installation was restored and has not taken ownership of the location yet',
};
