import { HoldfastError } from '../../protocol/errors.ts';

/** Something that a user can name. */
export interface Named {
  readonly id: string;
  readonly name: string;
}

/** An id's prefix is taken from this length on, so that a short name mistyped does not hit an id by chance. */
const shortestPrefix = 4;

/**
 * The one thing that the user means: an exact name first, then an id, then a prefix of one that is unique.
 * Throws `unknownName` and `ambiguousName`, both with the candidates that come nearest in `details`.
 *
 * @param what the kind of thing, for the sentence: `policy`, `location`
 */
export function resolveReference<T extends Named>(what: string, reference: string, things: Iterable<T>): T {
  const all = [...things];
  const byName = all.find((thing) => thing.name === reference) ?? all.find((thing) => thing.id === reference);
  if (byName !== undefined) return byName;
  const byPrefix = reference.length >= shortestPrefix ? all.filter((thing) => thing.id.startsWith(reference)) : [];
  const [only, second] = byPrefix;
  if (only !== undefined && second === undefined) return only;
  if (second !== undefined) {
    throw new HoldfastError('ambiguousName', `Failed to find ${what} "${reference}": ${byPrefix.length} ids begin with it.`, {
      fix: 'Type more of the id.',
      details: { candidates: byPrefix.slice(0, 10).map((thing) => thing.id) },
    });
  }
  const near = nearest(
    reference,
    all.map((thing) => thing.name),
  );
  throw new HoldfastError('unknownName', `Failed to find ${what} "${reference}": there is none of that name or id.`, {
    fix: near === undefined ? `"holdfast ${what} list" shows what there is.` : `Did you mean "${near}"?`,
    details: { candidates: near === undefined ? [] : [near] },
  });
}

function nearest(wanted: string, names: readonly string[]): string | undefined {
  let best: { readonly name: string; readonly distance: number } | undefined;
  for (const name of names) {
    const distance = editDistance(wanted.toLowerCase(), name.toLowerCase());
    if (distance <= Math.max(1, Math.floor(wanted.length / 3)) && (best === undefined || distance < best.distance))
      best = { name, distance };
  }
  return best?.name;
}

/** Levenshtein distance over UTF-16 units, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_value, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substituted = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
