import type { LocationId } from '../../protocol/ids.ts';
import type { LedgerObject, ObjectLedger } from '../catalog/objectLedger.ts';

const pageSize = 1000;

/** The objects of the ledger below a prefix, one after the other in the order of their keys, fetched in pages. */
export class LedgerRows {
  readonly #ledger: ObjectLedger;
  readonly #locationId: LocationId;
  readonly #prefix: string;
  #page: readonly LedgerObject[] = [];
  #at = 0;
  #isLast = false;
  #passed = 0;

  constructor(ledger: ObjectLedger, locationId: LocationId, prefix: string) {
    this.#ledger = ledger;
    this.#locationId = locationId;
    this.#prefix = prefix;
  }

  /** How many were advanced over. */
  get passed(): number {
    return this.#passed;
  }

  /** The one that comes next; `undefined` at the end. */
  peek(): LedgerObject | undefined {
    if (this.#at >= this.#page.length && !this.#isLast) {
      const after = this.#page.at(-1)?.objectKey ?? '';
      this.#page = this.#ledger.below(this.#locationId, this.#prefix, after, pageSize);
      this.#at = 0;
      this.#isLast = this.#page.length < pageSize;
    }
    return this.#page[this.#at];
  }

  advance(): void {
    this.#at += 1;
    this.#passed += 1;
  }
}
