import { createHash } from 'node:crypto';
import type { ListedObject, ObjectStore } from '../../locations/objectStore.ts';
import { sameBytes } from '../../repository/bytes.ts';
import { oldestFirst } from './oldestFirst.ts';
import type { TermHead } from './ownershipMemory.ts';
import type { DecodedTerm, TermCodec } from './termCodec.ts';
import { TermFindings, type TermFinding } from './termFinding.ts';

/** A location whose terms are looked at. */
export interface TermPlace {
  readonly store: ObjectStore;
  readonly codec: TermCodec;
  readonly signal: AbortSignal;
}

/** An authentic term that counts: the oldest of its key. */
export interface SeenTerm extends TermHead, DecodedTerm {
  readonly key: string;
  /** `null` where the store has no versions. */
  readonly versionId: string | null;
  readonly storeTime: Date;
}

export interface SeenTerms {
  readonly highest: SeenTerm | undefined;
  /** Some of each kind. */
  readonly findings: readonly TermFinding[];
  readonly findingsCount: number;
}

/**
 * Who owns a location by what is stored there (docs/format.md, Recovery: ownership). Names are dismissed unread unless this installation made them; of what is left
 * only the highest terms are read, so that neither a million objects of junk nor ten thousand terms make it long. `known` is the highest that was seen before.
 * Rejects as the store does.
 */
export async function readTerms(place: TermPlace, known: TermHead | null): Promise<SeenTerms> {
  const findings = new TermFindings();
  const terms = new DescendingTerms(place, await termNumbers(place, findings), findings);
  let at = 0;
  let highest = await terms.at(at);
  while (highest !== undefined && (await skipsNumbers(highest, at, terms, known))) {
    const detail = `Term ${highest.n} does not follow the term that it names. It does not count.`;
    findings.add({ ...highest, kind: 'skippedNumber', detail });
    at += 1;
    highest = await terms.at(at);
  }
  if (highest !== undefined) checkPrevious(place, highest, await terms.at(at + 1), findings);
  if (known !== null && known.n > (highest?.n ?? 0)) addMissing(place, known.n, 'It was seen here once.', findings);
  return { highest, findings: findings.told, findingsCount: findings.count };
}

/** The oldest authentic version under the name of a term; `undefined` where there is none. Rejects as the store does. */
export async function countingTerm(place: TermPlace, n: number, findings?: TermFindings): Promise<SeenTerm | undefined> {
  const { store, codec, signal } = place;
  const key = codec.keyOf(n);
  if (store.versions === undefined) {
    const seen = await openVersion(place, n, null);
    if (seen === 'junk') addForeign(findings, { key, versionId: null, lastModified: null });
    return typeof seen === 'object' ? seen : undefined;
  }
  let counting: SeenTerm | undefined;
  for await (const version of oldestFirst(store.versions, key, signal)) {
    // Its length tells junk of any other without a request.
    const isRead = counting === undefined && version.size === codec.length;
    const seen = isRead ? await openVersion(place, n, version.versionId) : 'junk';
    if (seen === 'junk') addForeign(findings, version);
    else counting ??= seen;
    if (counting !== undefined && (findings === undefined || findings.isFull('foreignVersion'))) break;
  }
  return counting;
}

/** The numbers of all terms whose names are there, under delete markers too. Rejects as the store does. */
export async function termNumbers({ store, codec, signal }: TermPlace, findings?: TermFindings): Promise<readonly number[]> {
  const numbers: number[] = [];
  let last: { readonly key: string; readonly isTerm: boolean } | undefined;
  const take = ({ key, versionId, lastModified: storeTime }: ListedObject, isDeleteMarker: boolean): void => {
    if (last?.key !== key) {
      const n = codec.numberOf(key);
      if (n !== undefined) numbers.push(n);
      last = { key, isTerm: n !== undefined };
    }
    if (!last.isTerm) {
      findings?.add({ kind: 'unknownObject', key, versionId, detail: 'It has no name that a term of this installation has.', storeTime });
    } else if (isDeleteMarker) {
      findings?.add({ kind: 'deleteMarker', key, versionId, detail: 'A delete marker lies over a term. It hides nothing.', storeTime });
    }
  };
  if (store.versions === undefined) {
    for await (const page of store.list(codec.prefix, { signal })) for (const object of page) take(object, false);
  } else {
    for await (const page of store.versions.list(codec.prefix, { signal }))
      for (const version of page) take(version, version.isDeleteMarker);
  }
  return numbers;
}

/** The terms that count, the highest first, each read when it is asked for. */
class DescendingTerms {
  readonly #place: TermPlace;
  readonly #findings: TermFindings;
  /** Ascending. */
  readonly #unread: number[];
  readonly #read: SeenTerm[] = [];

  constructor(place: TermPlace, numbers: readonly number[], findings: TermFindings) {
    this.#place = place;
    this.#findings = findings;
    this.#unread = numbers.toSorted((one, other) => one - other);
  }

  async at(index: number): Promise<SeenTerm | undefined> {
    while (this.#read.length <= index) {
      const n = this.#unread.pop();
      if (n === undefined) return undefined;
      const seen = await countingTerm(this.#place, n, this.#findings);
      if (seen !== undefined) this.#read.push(seen);
    }
    return this.#read[index];
  }
}

async function openVersion(
  { store, codec, signal }: TermPlace,
  n: number,
  versionId: string | null,
): Promise<SeenTerm | 'junk' | undefined> {
  const key = codec.keyOf(n);
  const read = await store.get(key, { versionId, length: codec.length + 1, signal });
  if (read === undefined) return undefined;
  const decoded = codec.open(read.body, n);
  if (decoded === undefined) return 'junk';
  return { ...decoded, n, key, versionId, sha256: createHash('sha256').update(read.body).digest(), storeTime: read.lastModified };
}

/** Whether the one that it names as the previous is known, and is not that of the number before. No honest machine writes such a term. */
async function skipsNumbers({ n, term }: SeenTerm, at: number, terms: DescendingTerms, known: TermHead | null): Promise<boolean> {
  const { previous } = term;
  if (previous === null) return false;
  if (known !== null && known.n !== n - 1 && sameBytes(known.sha256, previous)) return true;
  if ((await terms.at(at + 1))?.n === n - 1) return false;
  for (let lower = at + 1; ; lower += 1) {
    const seen = await terms.at(lower);
    if (seen === undefined) return false;
    if (sameBytes(seen.sha256, previous)) return true;
  }
}

/** Older terms are not kept locked, and who holds the credentials may delete them: that one is gone, or another, is no reason not to count what follows. */
function checkPrevious(
  place: TermPlace,
  { n, key, versionId, term, storeTime }: SeenTerm,
  below: SeenTerm | undefined,
  findings: TermFindings,
): void {
  if (term.previous === null) return;
  if (below?.n !== n - 1) addMissing(place, n - 1, `Term ${n} follows it.`, findings);
  else if (!sameBytes(below.sha256, term.previous)) {
    const detail = `It follows another term ${n - 1} than the one that is here.`;
    findings.add({ kind: 'otherPrevious', key, versionId, detail, storeTime });
  }
}

function addMissing({ codec }: TermPlace, n: number, why: string, findings: TermFindings): void {
  findings.add({ kind: 'missingVersion', key: codec.keyOf(n), versionId: null, detail: `Term ${n} is not here. ${why}`, storeTime: null });
}

function addForeign(
  findings: TermFindings | undefined,
  { key, versionId, lastModified }: { readonly key: string; readonly versionId: string | null; readonly lastModified: Date | null },
): void {
  const detail = 'It lies under the name of a term, and does not count.';
  findings?.add({ kind: 'foreignVersion', key, versionId, detail, storeTime: lastModified });
}
