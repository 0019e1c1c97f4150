/** What is wrong with what lies where terms lie. None of it changes who owns the location. */
export interface TermFinding {
  readonly kind: /** A delete marker over a term. */
    | 'deleteMarker'
    /** A version under the name of a term that does not count. */
    | 'foreignVersion'
    /** A name that is none of a term. */
    | 'unknownObject'
    /** A term that was seen once, or that a later one follows, is not there. */
    | 'missingVersion'
    /** A term follows another one than that which is there. */
    | 'otherPrevious'
    /** A term that does not follow the one that it names: it does not count. */
    | 'skippedNumber';
  readonly key: string;
  readonly versionId: string | null;
  readonly detail: string;
  /** When the store says that it came. */
  readonly storeTime: Date | null;
}

/** Of each kind so many are told. */
const mostTold = 100;

/** Findings of one look, of each kind a few: whoever plants a million must neither fill memory nor hide those of another kind. */
export class TermFindings {
  readonly #told: TermFinding[] = [];
  readonly #counts: Map<TermFinding['kind'], number> = new Map();

  add(finding: TermFinding): void {
    const count = (this.#counts.get(finding.kind) ?? 0) + 1;
    this.#counts.set(finding.kind, count);
    if (count <= mostTold) this.#told.push(finding);
  }

  isFull(kind: TermFinding['kind']): boolean {
    return (this.#counts.get(kind) ?? 0) >= mostTold;
  }

  get told(): readonly TermFinding[] {
    return this.#told;
  }

  get count(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }
}
