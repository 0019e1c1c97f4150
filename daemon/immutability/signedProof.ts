import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';
import * as z from 'zod';
import { HoldfastError } from '../../protocol/errors.ts';
import { type LockVerdict, lockVerdict } from '../../protocol/methods/locations.ts';
import type { LockProof } from './lockProof.ts';

/** What is read of a proof that is kept. */
export interface KeptProof {
  readonly verdict: LockVerdict;
  /** RFC 3339. */
  readonly at: string;
  readonly explanation: string | null;
  readonly attempts: readonly {
    readonly attempt: string;
    readonly expected: string;
    readonly got: string;
    readonly detail: string | null;
  }[];
}

interface SignedProof {
  readonly verdict: LockVerdict;
  readonly at: string;
  /** JSON of the whole proof, as it was signed. */
  readonly proof: string;
  readonly signature: string;
}

const signedSchema: z.ZodType<SignedProof> = z.strictObject({
  verdict: lockVerdict,
  at: z.iso.datetime({ precision: 3 }),
  proof: z.string(),
  signature: z.base64(),
});

const proofSchema: z.ZodType<KeptProof> = z.object({
  verdict: lockVerdict,
  at: z.iso.datetime({ precision: 3 }),
  explanation: z.string().nullable(),
  attempts: z.array(z.strictObject({ attempt: z.string(), expected: z.string(), got: z.string(), detail: z.string().nullable() })),
});

/** As the location's row keeps it (`lockProof`): docs/format.md, Lock proofs. `key` is the master key's `lockProofKey`. */
export function lockProofText(proof: LockProof, key: KeyObject): string {
  const { verdict, at } = proof;
  const text = JSON.stringify(proof);
  const signed: SignedProof = { verdict, at, proof: text, signature: signatureOf(text, key).toString('base64') };
  return JSON.stringify(signed);
}

/** The proof that a row keeps, whoever wrote it. Throws `catalogDamaged` on what is none. */
export function keptProofOf(text: string): KeptProof {
  try {
    return proofSchema.parse(JSON.parse(signedSchema.parse(JSON.parse(text)).proof));
  } catch (cause) {
    throw HoldfastError.failedTo('catalogDamaged', 'read the lock proof of the location', 'it is not what was written', {
      fix: 'Prove the lock again: "holdfast location prove-lock NAME".',
      cause,
    });
  }
}

/** Whether this installation made the proof, and nothing of it was changed since. */
export function isSigned(text: string, key: KeyObject): boolean {
  const kept = keptProofOf(text);
  const { verdict, at, proof, signature } = signedSchema.parse(JSON.parse(text));
  const found = Buffer.from(signature, 'base64');
  const expected = signatureOf(proof, key);
  const isSame = found.length === expected.length && timingSafeEqual(found, expected);
  return isSame && verdict === kept.verdict && at === kept.at;
}

function signatureOf(text: string, key: KeyObject): Buffer {
  return createHmac('sha256', key).update(text, 'utf8').digest();
}
