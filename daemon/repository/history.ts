import { sameBytes } from './bytes.ts';
import type { Head } from './manifestTypes.ts';

/** One authentic manifest, as the history of its policy sees it. */
export interface HistoryPoint {
  readonly sequence: number;
  readonly objectId: Uint8Array;
  /** SHA-256 of the stored bytes. */
  readonly sha256: Uint8Array;
  readonly previous: Uint8Array | null;
}

export type HistoryFinding =
  /** Two authentic manifests of one sequence; both are kept. */
  | { readonly kind: 'fork'; readonly sequence: number }
  /** The manifest of sequence - 1 is there, and is not the one that is named. */
  | { readonly kind: 'previousDiffers'; readonly sequence: number }
  /** It names no manifest before it, and is not the first. */
  | { readonly kind: 'previousMissing'; readonly sequence: number }
  /** An authentic object names a manifest that is not found, and nothing of an equal or higher sequence is: an older one is shown as the newest. */
  | { readonly kind: 'headMissing'; readonly sequence: number }
  /** The manifest of that sequence is found with another hash. */
  | { readonly kind: 'headDiffers'; readonly sequence: number };

/** What is wrong in the chain of one policy, given every head of it that authentic objects name. */
export function historyFindings(points: readonly HistoryPoint[], heads: readonly Head[]): HistoryFinding[] {
  const bySequence = Map.groupBy(points, (point) => point.sequence);
  const findings: HistoryFinding[] = [];
  for (const [sequence, group] of bySequence) {
    if (group.length > 1) findings.push({ kind: 'fork', sequence });
    const before = bySequence.get(sequence - 1);
    if (sequence > 1 && group.some((point) => point.previous === null)) findings.push({ kind: 'previousMissing', sequence });
    if (group.some((point) => differs(point, before))) findings.push({ kind: 'previousDiffers', sequence });
  }
  for (const head of heads) {
    const outcome = headOutcome(head, points);
    if (outcome === 'missing') findings.push({ kind: 'headMissing', sequence: head.sequence });
    if (outcome === 'differs') findings.push({ kind: 'headDiffers', sequence: head.sequence });
  }
  return findings.toSorted((a, b) => a.sequence - b.sequence);
}

/**
 * What became of an object that an authentic one names as the newest: `gone` where newer ones are found, for it may have been collected, which
 * is no fault; `missing` where none is, and `differs` where its sequence is found with other bytes only. `authentic` are objects of its kind.
 */
export function headOutcome(
  head: Head,
  authentic: readonly Pick<HistoryPoint, 'sequence' | 'sha256'>[],
): 'found' | 'gone' | 'missing' | 'differs' {
  const same = authentic.filter(({ sequence }) => sequence === head.sequence);
  if (same.some(({ sha256 }) => sameBytes(sha256, head.sha256))) return 'found';
  if (same.length > 0) return 'differs';
  return authentic.some(({ sequence }) => sequence > head.sequence) ? 'gone' : 'missing';
}

function differs({ sequence, previous }: HistoryPoint, before: readonly HistoryPoint[] | undefined): boolean {
  if (previous === null) return false;
  if (sequence === 1) return true;
  return before !== undefined && !before.some((point) => sameBytes(previous, point.sha256));
}
