import type { VaultTokenFacts } from '../../keys/agent/keyFacts.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const soonMs = 7 * dayMs;
/** Of the life of a token: what a renewal has to add at least to count as one. Where the longest life is reached it adds nothing. */
const leastGain = 0.05;

/** A token that ends, and when. */
export interface EndingToken extends VaultTokenFacts {
  readonly expiresAt: string;
}

export function hasEnd(token: VaultTokenFacts | null | undefined): token is EndingToken {
  return token !== null && token !== undefined && token.expiresAt !== null;
}

/** `stuckAt`: the end that a renewal did not move. */
export function isRenewable({ renewable, expiresAt }: EndingToken, stuckAt: string | null): boolean {
  return renewable && stuckAt !== expiresAt;
}

/** Less than a half of its life is left. */
export function isRenewalDue(token: EndingToken, now: Date): boolean {
  const left = leftOf(token, now);
  return left > 0 && left < (lifeOf(token) === 0 ? soonMs : lifeOf(token) / 2);
}

/** How long a renewal that failed waits for the next. */
export function renewalWait(token: EndingToken, now: Date): number {
  return Math.min(6 * hourMs, Math.max(minuteMs, leftOf(token, now) / 4));
}

/** It can not be renewed, and less than 7 days or a third of its life are left. */
export function isRunningOut(token: VaultTokenFacts | null | undefined, stuckAt: string | null, now: Date): token is EndingToken {
  return hasEnd(token) && !isRenewable(token, stuckAt) && endsSoon(token, now);
}

function endsSoon(token: EndingToken, now: Date): boolean {
  const left = leftOf(token, now);
  return left < soonMs || left < lifeOf(token) / 3;
}

/** Less than a day, or than a tenth of its life where that is shorter. */
export function endsNow(token: EndingToken, now: Date): boolean {
  return leftOf(token, now) < Math.min(dayMs, lifeOf(token) === 0 ? dayMs : lifeOf(token) / 10);
}

/** Whether a renewal made its life longer. One without an end is as long as can be. */
export function hasGained(before: EndingToken, after: VaultTokenFacts | null): boolean {
  if (!hasEnd(after)) return true;
  return Date.parse(after.expiresAt) - Date.parse(before.expiresAt) >= Math.max(1, lifeOf(before) * leastGain);
}

function leftOf({ expiresAt }: EndingToken, now: Date): number {
  return Date.parse(expiresAt) - now.getTime();
}

/** Milliseconds; 0 where nobody knows. */
function lifeOf({ creationTtl }: VaultTokenFacts): number {
  return creationTtl * 1000;
}
