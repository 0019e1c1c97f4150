import type { LocationId } from '../../protocol/ids.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { TamperRecord } from '../catalog/tamperStore.ts';
import { endlessKinds, type TamperFinding, type TamperKind, weakLockKinds } from './tamperFinding.ts';

export interface NewFinding {
  readonly kind: TamperKind;
  readonly key: string;
  readonly versionId: string | null;
  readonly detail: string;
  readonly storeTime?: Date;
  /** Of a lock: until when it should have been. */
  readonly expectedUntil?: string;
}

const mostWaiting = 500;
/** Of kinds of which others can make any number, so many are written down; the rest is counted. */
const mostOfKind = 20_000;

/** Writes down what one audit finds at a location, some hundred in one transaction, together with what follows for the ledger. */
export class FindingBook {
  readonly #catalog: Catalog;
  readonly #locationId: LocationId;
  readonly #at: string;
  readonly #before: ReadonlySet<TamperKind>;
  #waiting: (() => void)[] = [];
  readonly #ofKind: Map<TamperKind, number> = new Map();
  #added = 0;
  #untold = 0;

  /** `at`: the time of the audit, which marks what it has met. */
  constructor(catalog: Catalog, locationId: LocationId, at: Date) {
    this.#catalog = catalog;
    this.#locationId = locationId;
    this.#at = at.toISOString();
    const kinds: readonly TamperKind[] = [...weakLockKinds, 'missingVersion', 'prolongedLock', 'unknownObject', 'deleteMarker'];
    this.#before = new Set(kinds.filter((kind) => catalog.tamperings.has(locationId, kind)));
  }

  /** Findings that no audit before had. Up to the last flush. */
  get added(): number {
    return this.#added;
  }

  /** Findings that are counted and not written down. */
  get untold(): number {
    return this.#untold;
  }

  /** Whether more of this kind is only counted. */
  isFull(kind: TamperKind): boolean {
    return endlessKinds.includes(kind) && (this.#ofKind.get(kind) ?? 0) >= mostOfKind;
  }

  add({ kind, key, versionId, detail, storeTime, expectedUntil }: NewFinding): void {
    if (this.isFull(kind)) {
      this.#untold += 1;
      return;
    }
    this.#ofKind.set(kind, (this.#ofKind.get(kind) ?? 0) + 1);
    this.afterwards(() => {
      const isNew = this.#catalog.tamperings.record({
        locationId: this.#locationId,
        kind,
        objectKey: key,
        versionId: versionId ?? '',
        firstSeen: this.#at,
        lastSeen: this.#at,
        storeTime: storeTime?.toISOString() ?? null,
        detail,
        expectedUntil: expectedUntil ?? null,
      });
      if (isNew) this.#added += 1;
    });
  }

  /** Done with the findings in one transaction. It must look again at what it changes: time has passed. */
  afterwards(act: () => void): void {
    this.#waiting.push(act);
    if (this.#waiting.length >= mostWaiting) this.flush();
  }

  /** What an audit before this one has found; costs nothing where that found nothing of this kind. */
  known(kind: TamperKind, key: string, versionId: string | null): TamperRecord | undefined {
    return this.#before.has(kind) ? this.#catalog.tamperings.get(this.#locationId, kind, key, versionId ?? '') : undefined;
  }

  flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    if (waiting.length === 0) return;
    this.#catalog.transaction(() => {
      for (const act of waiting) act();
    });
  }

  /** The audit has looked at everything: what it has not met is cured. */
  complete(): void {
    this.flush();
    this.#catalog.transaction(() => this.#catalog.tamperings.forgetUnseenSince(this.#locationId, this.#at));
  }
}

export function findingOf({ kind, objectKey, versionId, firstSeen, storeTime, detail }: TamperRecord): TamperFinding {
  return { kind, key: objectKey, versionId: versionId === '' ? null : versionId, firstSeen, storeTime, detail };
}
