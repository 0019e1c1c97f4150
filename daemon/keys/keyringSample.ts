import type { InstallationId } from '../../protocol/ids.ts';
import { claimedSequence } from './keyringName.ts';

export interface ListedKeyring {
  readonly key: string;
  /** As the store says; `null` where it does not. */
  readonly lastModified: Date | null;
}

export interface KeyringSampleOptions {
  readonly installationId: InstallationId;
  /** What claims a higher sequence is not looked at. */
  readonly upTo: number;
  /** In 0..1, 1 excluded. */
  readonly random?: () => number;
}

/** How many are read: each has at most 64 KiB. */
export const mostChosen = 1000;
/** Of one sequence: the oldest, and as many of the others. */
const mostKept = 250;

interface OfSequence<T> {
  readonly oldest: T[];
  readonly others: T[];
  /** Others that were met, kept or not. */
  met: number;
}

/**
 * Chooses which keyrings of a folder are read, where anybody may have put any number. Each sequence has its turn, the newest first, so that a flood under one
 * sequence hides nothing of another; of one sequence the oldest by the store's time, and any other at random, take turns: what was planted beside a keyring came
 * after it, and what was planted before it meets luck that is new each time. Memory is bounded by the number of sequences.
 */
export class KeyringSample<T extends ListedKeyring> {
  readonly #options: KeyringSampleOptions;
  readonly #sequences: Map<bigint, OfSequence<T>> = new Map();

  constructor(options: KeyringSampleOptions) {
    this.#options = options;
  }

  add(listed: T): void {
    const { installationId, upTo } = this.#options;
    const sequence = claimedSequence(installationId, listed.key);
    if (sequence === undefined || sequence < 1n || sequence > BigInt(upTo)) return;
    const known = this.#sequences.get(sequence);
    const of = known ?? { oldest: [], others: [], met: 0 };
    if (known === undefined) this.#sequences.set(sequence, of);
    const at = of.oldest.findLastIndex((one) => timeOf(one) <= timeOf(listed)) + 1;
    of.oldest.splice(at, 0, listed);
    const youngest = of.oldest.length > mostKept ? of.oldest.pop() : undefined;
    if (youngest !== undefined) this.#keepByLuck(of, youngest);
  }

  /** At most a thousand, in the order in which they are to be read. */
  chosen(): readonly T[] {
    const left = [...this.#sequences]
      .toSorted(([one], [other]) => (one > other ? -1 : 1))
      .map(([, { oldest, others }]) => inTurns(oldest, this.#shuffled(others)));
    const chosen: T[] = [];
    for (let turn = 0; turn < 2 * mostKept; turn += 1) {
      for (const keyrings of left) {
        const keyring = keyrings[turn];
        if (keyring !== undefined) chosen.push(keyring);
        if (chosen.length === mostChosen) return chosen;
      }
    }
    return chosen;
  }

  /** Each that was met is as likely to be kept as any other. */
  #keepByLuck(of: OfSequence<T>, one: T): void {
    of.met += 1;
    if (of.others.length < mostKept) {
      of.others.push(one);
      return;
    }
    const at = this.#below(of.met);
    if (at < mostKept) of.others[at] = one;
  }

  #shuffled(all: readonly T[]): readonly T[] {
    return all
      .map((one) => ({ one, luck: this.#below(1_000_000_007) }))
      .toSorted((a, b) => a.luck - b.luck)
      .map(({ one }) => one);
  }

  #below(limit: number): number {
    return Math.floor((this.#options.random ?? Math.random)() * limit);
  }
}

function timeOf({ lastModified }: ListedKeyring): number {
  return lastModified?.getTime() ?? 0;
}

function inTurns<T>(first: readonly T[], second: readonly T[]): readonly T[] {
  return first.flatMap((one, at) => [one, ...second.slice(at, at + 1)]).concat(second.slice(first.length));
}
