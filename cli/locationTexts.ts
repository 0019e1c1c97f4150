import { placeOf } from '../protocol/locationSpec.ts';
import type { Location, LockVerdict } from '../protocol/methods/locations.ts';
import { clipped, escaped } from '../client/shown/text.ts';
import { counted } from '../client/shown/units.ts';
import type { Style } from './output/style.ts';

/** Where it is: the folder, or `s3://bucket/prefix` with the host of a store that is not AWS. */
export function whereText({ path, s3 }: Pick<Location, 'path' | 's3'>): string {
  if (s3 === null) return path === null ? '-' : escaped(path);
  const place = escaped(placeOf({ kind: 's3', ...s3 }));
  const host = foreignHost(s3.endpoint);
  return host === undefined ? place : `${place} at ${escaped(host)}`;
}

function foreignHost(endpoint: string | undefined): string | undefined {
  if (endpoint === undefined) return undefined;
  if (!URL.canParse(endpoint)) return endpoint;
  const { host, hostname } = new URL(endpoint);
  return /\.amazonaws\.com(?:\.cn)?$/.test(hostname) ? undefined : host;
}

/** How everything there is locked, and whether that was shown to hold. */
export function protectionText(
  { protectionPeriodDays, lockProof }: Pick<Location, 'protectionPeriodDays' | 'lockProof'>,
  style: Style,
): string {
  if (protectionPeriodDays === null) return style.dim('not immutable');
  const text = `${counted(protectionPeriodDays, 'day')}, ${proofWords(lockProof?.verdict)}`;
  if (lockProof?.verdict === 'enforced') return style.good(text);
  return isBroken(lockProof?.verdict) ? style.bad(text) : style.warning(text);
}

function isBroken(verdict: LockVerdict | undefined): boolean {
  return verdict === 'bypassable' || verdict === 'notEnforced';
}

function proofWords(verdict: LockVerdict | undefined): string {
  switch (verdict) {
    case 'enforced':
      return 'proved';
    case 'bypassable':
      return 'lock can be bypassed';
    case 'notEnforced':
      return 'lock not enforced';
    case 'inconclusive':
    case undefined:
      return 'lock not proved';
  }
}

/** The key of an object, without the installation's id, which all of them begin with. */
export function keyText(key: string): string {
  return clipped(escaped(key.replace(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\//, '…/')), 72);
}
