/** Stored bytes; shorter ones count as small. */
const smallIndex = 4 * 1024 * 1024;
/** So many small ones are merged into one (docs/format.md, Indexes). */
const smallAtMost = 32;
/** A manifest pins 256; a run of great size adds several. */
const pinnedAtMost = 192;
/** How many of the shortest are merged where there are too many, small or not. */
const mergedAtOnce = 64;

/**
 * Which of the parent's indexes a run reads for the last time, and writes anew as one: their keys. Without it every run would add an index, until
 * no manifest could pin them all.
 */
export function indexesToMerge(indexes: readonly { readonly key: string; readonly length: number }[]): ReadonlySet<string> {
  const byLength = indexes.toSorted((a, b) => a.length - b.length);
  const small = byLength.filter(({ length }) => length < smallIndex);
  const merged = small.length >= smallAtMost ? small : indexes.length > pinnedAtMost ? byLength.slice(0, mergedAtOnce) : [];
  return new Set(merged.map(({ key }) => key));
}
