import { createHmac } from 'node:crypto';
import type { ScryptParameters } from '../../../../daemon/keys/scryptParameters.ts';
import type { ScryptRunner } from '../../../../daemon/keys/scryptRunner.ts';

/** Derives by HMAC, at once, and counts: the real thing takes half a second. */
export class FakeScrypt implements ScryptRunner {
  readonly salts: string[] = [];

  get count(): number {
    return this.salts.length;
  }

  derive(
    passphrase: Uint8Array,
    salt: Uint8Array,
    { N, r, p }: ScryptParameters,
    length: number,
    signal?: AbortSignal,
  ): Promise<Uint8Array<ArrayBuffer>> {
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    this.salts.push(Buffer.from(salt).toString('base64'));
    const half = (index: number): Buffer => createHmac('sha256', passphrase).update(`${N},${r},${p},${index}`).update(salt).digest();
    return Promise.resolve(Uint8Array.from(Buffer.concat([half(0), half(1), half(2)]).subarray(0, length)));
  }
}
