import type { TamperAuditResult } from '../../daemon/immutability/tamperAudit.ts';
import type { AuditedBucket } from './auditedBucket.ts';
import { AttackersHand } from './bucket/attackersHand.ts';

/** What was found, in the order of kinds and keys. */
export function found({ findings }: TamperAuditResult): readonly (readonly [kind: string, key: string])[] {
  return findings.map(({ kind, key }) => [kind, key] as const);
}

export function each(kind: string, keys: Iterable<string>): readonly (readonly [kind: string, key: string])[] {
  return [...keys].toSorted().map((key) => [kind, key] as const);
}

export function keysOf(objects: readonly { readonly objectKey: string }[]): readonly string[] {
  return objects.map(({ objectKey }) => objectKey);
}

/** The hand of somebody who has the credentials of this location and no other. */
export function handOn(audited: AuditedBucket): AttackersHand {
  return new AttackersHand(audited.bucket, { prefix: audited.prefix });
}
