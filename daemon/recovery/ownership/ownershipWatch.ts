import { HoldfastError } from '../../../protocol/errors.ts';
import { sameBytes } from '../../repository/bytes.ts';
import { afterLook, mayChange, type OwnershipMemories, type OwnershipState, ownershipState, type OwnTerm } from './ownershipMemory.ts';
import type { TermFinding } from './termFinding.ts';
import { countingTerm, readTerms, type SeenTerm, type TermPlace } from './termReader.ts';

export interface OwnershipLook {
  readonly state: OwnershipState;
  /** The highest term that is there, where this look has read it. */
  readonly term: SeenTerm | undefined;
  /** Of a thorough look; some of each kind. */
  readonly findings: readonly TermFinding[];
  readonly findingsCount: number;
}

export interface LookOptions {
  readonly signal: AbortSignal;
  /** Reads all that is there, also where nothing seems to have changed. */
  readonly isThorough?: boolean;
}

/**
 * Whether a location is still this daemon's. The first look is a thorough one. Each later one asks whether the next term is there, whose name is known, and whether
 * the own one still is: two requests, whatever else lies about. What is lost stays lost, without a request.
 */
export class OwnershipWatch {
  readonly #place: Omit<TermPlace, 'signal'>;
  readonly #memories: OwnershipMemories;
  #wasThorough = false;

  constructor(place: Omit<TermPlace, 'signal'>, memories: OwnershipMemories) {
    this.#place = place;
    this.#memories = memories;
  }

  /** Rejects as the store does: who could not look must not go on. */
  async look({ signal, isThorough = false }: LookOptions): Promise<OwnershipLook> {
    const place = { ...this.#place, signal };
    const memory = this.#memories.get();
    const state = ownershipState(memory);
    if (!isThorough) {
      const isLost = !mayChange(state);
      if (isLost || (this.#wasThorough && (await this.#isUnchanged(place))))
        return { state, term: undefined, findings: [], findingsCount: 0 };
    }
    const { highest, findings, findingsCount } = await readTerms(place, memory.highest);
    const seen = this.#memories.change((known) => afterLook(known, highest, memory));
    this.#wasThorough = true;
    return { state: ownershipState(seen), term: highest, findings, findingsCount };
  }

  async #isUnchanged(place: TermPlace): Promise<boolean> {
    const { highest, mine } = this.#memories.get();
    if ((await countingTerm(place, (highest?.n ?? 0) + 1)) !== undefined) return false;
    return mine === null || (await isThere(place, mine));
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
