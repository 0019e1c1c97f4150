import { WipedBytes, wipe, secretBytes } from '../secretBytes.ts';
import type { KeyAccess, KeyTarget } from './keyAccess.ts';
import { type CallSecrets, type KeyAnswer, type KeyCall, keyCallSchema } from './keyCall.ts';
import { KeyServiceFailure } from './keyProblem.ts';
import type { KeyService } from './keyService.ts';
import { decodeSecretMessage, encodeSecretMessage, longestMessage } from './secretMessage.ts';

/** Connects to the service of a key. Rejects with `KeyServiceFailure`. */
export type OpenKeyService = (target: KeyTarget, access: KeyAccess, secrets: CallSecrets) => Promise<KeyService>;

export interface AgentStreams {
  readonly input: AsyncIterable<Uint8Array>;
  /** Resolves when all of it was taken. */
  readonly write: (bytes: Uint8Array) => Promise<void>;
}

/** The life of a key agent: one call is read, done and answered. */
export async function runKeyAgent(open: OpenKeyService, { input, write }: AgentStreams): Promise<void> {
  using received = new WipedBytes(secretBytes(longestMessage));
  let length = 0;
  for await (const piece of input) {
    if (length + piece.length > longestMessage) throw new RangeError('a call that is too long');
    received.bytes.set(piece, length);
    length += piece.length;
    wipe(piece);
  }
  const { json, secrets } = decodeSecretMessage(received.bytes.subarray(0, length));
  const { answer, plaintext } = await answerOf(open, keyCallSchema.parse(json), secrets);
  wipe(...Object.values(secrets));
  using message = new WipedBytes(encodeSecretMessage(answer, { plaintext }));
  if (plaintext !== undefined) wipe(plaintext);
  await write(message.bytes);
}

interface Answered {
  readonly answer: KeyAnswer;
  readonly plaintext?: Uint8Array;
}

const nothing: KeyAnswer = { problem: null, facts: null, wrapped: null };

async function answerOf(open: OpenKeyService, call: KeyCall, secrets: CallSecrets): Promise<Answered> {
  try {
    switch (call.call) {
      case 'describe':
        return { answer: { ...nothing, facts: await (await open(call.target, call.access, secrets)).describe() } };
      case 'wrap': {
        const { plaintext } = secrets;
        if (plaintext === undefined) throw new RangeError('nothing to wrap');
        const service = await open(call.target, call.access, secrets);
        return { answer: { ...nothing, wrapped: await service.wrap(plaintext, call.binding) } };
      }
      case 'unwrap': {
        const service = await open(targetOf(call.slot), call.access, secrets);
        return { answer: nothing, plaintext: await service.unwrap(call.slot, call.installationId) };
      }
      case 'act':
        return { answer: { ...nothing, facts: await (await open(call.target, call.access, secrets)).act(call.act) } };
    }
  } catch (error) {
    return { answer: { ...nothing, problem: problemOf(error) } };
  }
}

/** The key that a slot was wrapped with, by its exact reference. */
export function targetOf(slot: Extract<KeyCall, { readonly call: 'unwrap' }>['slot']): KeyTarget {
  if (slot.kind === 'awsKms') return { kind: 'awsKms', keyId: slot.reference.keyArn, region: slot.reference.region };
  const { address, namespace, mount, key } = slot.reference;
  return { kind: 'vaultTransit', address, namespace, mount, key };
}

/** What nobody foresaw may hold anything in its text: the name of its class alone is told. */
function problemOf(error: unknown): KeyAnswer['problem'] {
  if (error instanceof KeyServiceFailure) return error.problem;
  const name = error instanceof Error && /^\w{1,64}$/.test(error.name) ? error.name : 'an unknown error';
  const unforeseen = new KeyServiceFailure(
    'failed',
    `its client failed in a way that was not foreseen (${name})`,
    'Look whether the key service runs as it should, then try again.',
  );
  return unforeseen.problem;
}
