import { createHash, randomBytes } from 'node:crypto';

/** Where object ids and salts come from; handed in so that tests can repeat or exhaust it. */
export interface Entropy {
  readonly randomBytes: (length: number) => Uint8Array;
  /** Nanoseconds since the epoch. */
  readonly now: () => bigint;
}

/** The operating system's randomness and clock. */
export const systemEntropy: Entropy = {
  randomBytes: (length) => randomBytes(length),
  now: () => BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e6)),
};

/** A new object's id: 16 random bytes. It names one byte string for ever. */
export function newObjectId(entropy: Entropy): Uint8Array {
  return entropy.randomBytes(16);
}

/**
 * A new object's 32-byte salt, SHA-256(32 random bytes ‖ u64 time in ns ‖ objectId): two objects get different keys even where a
 * cloned machine repeats its random numbers (docs/format.md, Object key).
 */
export function newSalt(entropy: Entropy, objectId: Uint8Array): Uint8Array {
  const time = Buffer.alloc(8);
  time.writeBigUInt64LE(BigInt.asUintN(64, entropy.now()));
  return createHash('sha256').update(entropy.randomBytes(32)).update(time).update(objectId).digest();
}
