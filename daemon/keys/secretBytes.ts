/**
 * Zeroed room for a secret, outside the JavaScript heap: the engine keeps typed arrays of up to 64 bytes inside it, where its collector
 * copies them about and leaves the old copies behind. The owner wipes it.
 */
export function secretBytes(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(length));
}

/** A copy of a secret in room of its own. The owner wipes both. */
export function secretCopy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = secretBytes(bytes.length);
  copy.set(bytes);
  return copy;
}

/** Overwrites secrets; what was moved to another thread is that thread's. */
export function wipe(...secrets: readonly Uint8Array[]): void {
  for (const secret of secrets) if (!isMovedAway(secret)) secret.fill(0);
}

/** Detached, in the words of ECMAScript: writing to it would throw. */
function isMovedAway(bytes: Uint8Array): boolean {
  return bytes.buffer instanceof ArrayBuffer && bytes.buffer.detached;
}

/** Owns secret bytes for a block of code: `using kek = new WipedBytes(secretBytes(32))`. */
export class WipedBytes implements Disposable {
  readonly bytes: Uint8Array<ArrayBuffer>;

  /** Takes the bytes over. */
  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.bytes = bytes;
  }

  [Symbol.dispose](): void {
    wipe(this.bytes);
  }
}
