import { createHmac } from 'node:crypto';
import type { InstallationId } from '../../protocol/ids.ts';
import type { TermKeys } from './term.ts';

/** `<installationId>/terms/`, below a location's prefix (docs/format.md, Names in the store). */
export function termsPrefix(installationId: InstallationId): string {
  return `${installationId}/terms/`;
}

/**
 * `<installationId>/terms/<n>-<HMAC(ownershipKey, n)>`: n in 16 hex digits, and of the HMAC-SHA-256 over these digits the first 16 bytes. Who does not hold the
 * key can not know the name of a term before it is there. Throws `RangeError` for what is no number of a term.
 */
export function termKey({ installationId, ownership }: TermKeys, number: number): string {
  if (!Number.isSafeInteger(number) || number < 1) throw new RangeError(`term ${number}`);
  const digits = number.toString(16).padStart(16, '0');
  const mac = createHmac('sha256', ownership).update(digits, 'ascii').digest().subarray(0, 16).toString('hex');
  return `${termsPrefix(installationId)}${digits}-${mac}`;
}

const namePattern = /^([0-9a-f]{16})-[0-9a-f]{32}$/;

/** The number of the term whose name this is; `undefined` where the name was not made with the key. */
export function termNumber(keys: TermKeys, key: string): number | undefined {
  const prefix = termsPrefix(keys.installationId);
  const digits = key.startsWith(prefix) ? namePattern.exec(key.slice(prefix.length))?.[1] : undefined;
  if (digits === undefined) return undefined;
  const number = Number.parseInt(digits, 16);
  // The name is public as soon as the term is: nothing is lost by the time that a comparison takes.
  return Number.isSafeInteger(number) && number >= 1 && termKey(keys, number) === key ? number : undefined;
}
