import { HoldfastError } from '../../protocol/errors.ts';
import type { SecretRef } from '../../protocol/method.ts';

/** Secrets that a session may have sent without naming them in a request yet. */
const waitingLimit = 16;
const searchDepthLimit = 8;

/** The secrets of one session: each came in a sealed frame, is claimed by the one request that names it, and is overwritten when that is over or the session ends. */
export class SecretStore implements Disposable {
  readonly #waiting = new Map<number, Buffer>();
  readonly #claims = new Set<SecretClaim>();

  /** Takes ownership of the bytes; `false` when too many wait already. */
  add(secretId: number, secret: Buffer): boolean {
    if (this.#waiting.size >= waitingLimit) {
      secret.fill(0);
      return false;
    }
    this.#waiting.set(secretId, secret);
    return true;
  }

  /** What a request may take: the secrets that its parameters name, whether they are valid otherwise or not. */
  claim(params: unknown): SecretClaim {
    const claimed = new Map<number, Buffer>();
    for (const secretId of secretIdsIn(params)) {
      const secret = this.#waiting.get(secretId);
      if (secret === undefined) continue;
      this.#waiting.delete(secretId);
      claimed.set(secretId, secret);
    }
    const claim = new SecretClaim(claimed, () => this.#claims.delete(claim));
    this.#claims.add(claim);
    return claim;
  }

  [Symbol.dispose](): void {
    for (const secret of this.#waiting.values()) secret.fill(0);
    this.#waiting.clear();
    for (const claim of this.#claims) claim[Symbol.dispose]();
  }
}

/** The secrets of one request. */
class SecretClaim implements Disposable {
  readonly #secrets: Map<number, Buffer>;
  readonly #onDispose: () => void;

  constructor(secrets: Map<number, Buffer>, onDispose: () => void) {
    this.#secrets = secrets;
    this.#onDispose = onDispose;
  }

  /** Hands the bytes over to the caller, who overwrites them. Once only. */
  take(ref: SecretRef): Buffer {
    const secret = this.#secrets.get(ref.secretId);
    if (secret === undefined) {
      throw new HoldfastError(
        'badValue',
        'Failed to read a secret: it was not sent before the request that names it, or was used already.',
      );
    }
    this.#secrets.delete(ref.secretId);
    return secret;
  }

  [Symbol.dispose](): void {
    for (const secret of this.#secrets.values()) secret.fill(0);
    this.#secrets.clear();
    this.#onDispose();
  }
}

function* secretIdsIn(value: unknown, depth = 0): Generator<number> {
  if (typeof value !== 'object' || value === null || depth > searchDepthLimit) return;
  for (const [name, member] of Object.entries(value)) {
    if (name === 'secretId' && typeof member === 'number') yield member;
    else yield* secretIdsIn(member, depth + 1);
  }
}
