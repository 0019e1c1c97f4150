import { base64Of } from './bytes.ts';
import type { LiveRestorePoint } from './liveList.ts';
import type { Head, Heads, Manifest } from './manifestTypes.ts';

/** Room for the sentences that say what was left out. */
const sentencesLength = 256;

/**
 * The manifest itself where its JSON has at most `maxBytes`. Otherwise as many of its first warnings as fit, without statistics where not even
 * the rest fits with them; the last warnings say what was left out.
 */
export function withinLimit(manifest: Manifest, maxBytes: number): Manifest {
  if (lengthOf(manifest) <= maxBytes) return manifest;
  const bare = { ...manifest, warnings: [] };
  const hasStatistics = lengthOf(bare) + sentencesLength <= maxBytes;
  const kept = hasStatistics ? bare : { ...bare, statistics: {} };
  let left = maxBytes - lengthOf(kept) - sentencesLength;
  let count = 0;
  for (const warning of manifest.warnings) {
    left -= Buffer.byteLength(textOf(warning), 'utf8') + 1;
    if (left < 0) break;
    count += 1;
  }
  const warnings = manifest.warnings.slice(0, count);
  if (count < manifest.warnings.length) warnings.push(`${manifest.warnings.length - count} more warnings were left out here.`);
  if (!hasStatistics) warnings.push('The statistics were left out here.');
  return { ...kept, warnings };
}

function lengthOf(manifest: Manifest): number {
  return Buffer.byteLength(jsonOf(manifest), 'utf8');
}

/** The JSON of a manifest. A half of a surrogate pair, which no reader takes, becomes U+FFFD: file names lie in nobody's JSON but as texts to show. */
export function jsonOf(manifest: Manifest): string {
  return textOf({
    ...manifest,
    previous: manifest.previous === null ? null : base64Of(manifest.previous),
    sources: manifest.sources.map((source) => ({ ...source, root: base64Of(source.root) })),
    indexes: manifest.indexes.map((index) => ({
      ...index,
      sha256: base64Of(index.sha256),
      objectId: base64Of(index.objectId),
      salt: base64Of(index.salt),
    })),
    live: 'count' in manifest.live ? { id: base64Of(manifest.live.id), count: manifest.live.count } : manifest.live.map(liveOf),
    heads: headsOf(manifest.heads),
  });
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_name, member: unknown) => (typeof member === 'string' ? member.toWellFormed() : member));
}

/** As JSON has them, in manifests and in bundles. */
export function headsOf({ policies, keyring, term }: Heads): unknown {
  return {
    policies: Object.fromEntries(Object.entries(policies).map(([id, head]) => [id, headOf(head)])),
    keyring: headOf(keyring),
    term: headOf(term),
  };
}

export function headOf(head: Head | null): unknown {
  return head === null ? null : { sequence: head.sequence, sha256: base64Of(head.sha256) };
}

function liveOf(point: LiveRestorePoint): unknown {
  const { sequence, versionId } = point;
  return { sequence, objectId: base64Of(point.objectId), versionId, sha256: base64Of(point.sha256) };
}
