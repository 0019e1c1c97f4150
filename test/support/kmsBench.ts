import { randomUUID } from 'node:crypto';
import type { AwsKmsAccess } from '../../daemon/keys/agent/keyAccess.ts';
import type { CallSecrets } from '../../daemon/keys/agent/keyCall.ts';
import { type KeyProblem, KeyServiceFailure } from '../../daemon/keys/agent/keyProblem.ts';
import type { KeyService, SlotBinding, WrappedKey } from '../../daemon/keys/agent/keyService.ts';
import { openAwsKms } from '../../daemon/keys/passkeys/awsKms/awsKmsKey.ts';
import type { KmsSurroundings } from '../../daemon/keys/passkeys/awsKms/kmsCalls.ts';
import type { AwsKmsSlot } from '../../daemon/keys/slot.ts';
import { idOf, type InstallationId, type SlotId } from '../../protocol/ids.ts';

/** Where a fake or a real server answers as AWS KMS. */
export interface KmsPlace {
  readonly endpoint: string;
  readonly region: string;
}

export const installationId: InstallationId = idOf<InstallationId>('0b7a3f52-6d0e-4a5b-9c1d-2e3f4a5b6c7d');

/** Nothing that is shown may hold one of them. */
export const canaries: readonly string[] = ['canary-secret-of-the-user', 'canary-token-of-the-session', 'AKIACANARY'];
const [secretAccessKey = '', sessionToken = '', accessKeyId = ''] = canaries;

export const givenSecrets: CallSecrets = {
  accessKeyId: Buffer.from(accessKeyId),
  secretAccessKey: Buffer.from(secretAccessKey),
  sessionToken: Buffer.from(sessionToken),
};

export function accessTo(endpoint: string | null): AwsKmsAccess {
  return { kind: 'awsKms', endpoint, credentials: { source: 'given' } };
}

/** Time that passes by sleeping alone. */
export class SleptTime {
  milliseconds = 0;
  readonly surroundings: KmsSurroundings = {
    now: () => this.milliseconds,
    random: () => 0.5,
    sleep: async (milliseconds) => {
      this.milliseconds += milliseconds;
      await Promise.resolve();
    },
  };
}

export async function openAt({ endpoint, region }: KmsPlace, keyId: string, surroundings?: KmsSurroundings): Promise<KeyService> {
  return await openAwsKms(
    { kind: 'awsKms', keyId, region },
    accessTo(endpoint),
    givenSecrets,
    surroundings ?? new SleptTime().surroundings,
  );
}

export function newBinding(): SlotBinding {
  return { installationId, masterKeyId: Buffer.alloc(16, 7).toString('base64'), slotId: idOf<SlotId>(randomUUID()) };
}

export function slotOf(wrapped: WrappedKey, binding: SlotBinding): AwsKmsSlot {
  if (wrapped.kind !== 'awsKms' || !('keyArn' in wrapped.reference)) throw new RangeError('wrapped by another kind of service');
  return {
    slotId: binding.slotId,
    kind: 'awsKms',
    keyEpoch: 1,
    masterKeyId: binding.masterKeyId,
    reference: wrapped.reference,
    createdAt: '2026-01-02T03:04:05.000Z',
    wrapped: wrapped.wrapped,
  };
}

/** Wraps with a key, as a new slot. */
export async function wrapAt(
  place: KmsPlace,
  keyId: string,
  plaintext: Uint8Array,
  binding: SlotBinding = newBinding(),
): Promise<AwsKmsSlot> {
  return slotOf(await (await openAt(place, keyId)).wrap(plaintext, binding), binding);
}

export async function unwrapAt(place: KmsPlace, slot: AwsKmsSlot, surroundings?: KmsSurroundings): Promise<Uint8Array> {
  return await (await openAt(place, slot.reference.keyArn, surroundings)).unwrap(slot, installationId);
}

/** What went wrong; throws where nothing did, or something that is no problem. */
export async function problemOf(call: Promise<unknown>): Promise<KeyProblem> {
  try {
    await call;
  } catch (error) {
    if (error instanceof KeyServiceFailure) return error.problem;
    throw error;
  }
  throw new RangeError('it went well');
}
