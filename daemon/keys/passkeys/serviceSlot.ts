import { randomUUID } from 'node:crypto';
import { HoldfastError } from '../../../protocol/errors.ts';
import { type InstallationId, idOf, type SlotId } from '../../../protocol/ids.ts';
import type { KeyAccess, KeyTarget } from '../../../protocol/keyServices.ts';
import type { KeyAgent } from '../agent/keyAgent.ts';
import type { ServiceSlot } from '../agent/keyAccess.ts';
import type { CallSecrets } from '../agent/keyCall.ts';
import type { KeyFacts } from '../agent/keyFacts.ts';
import { isPassing, type KeyProblem } from '../agent/keyProblem.ts';
import type { KeyAct } from '../agent/keyService.ts';
import { MasterKey } from '../masterKey.ts';
import { WipedBytes } from '../secretBytes.ts';
import { slotSchemas } from '../slot.ts';

/**
 * Bytes of a new slot's wrapping. KMS makes fewer than 250 of a master key, Vault about a hundred. What is longer would fill the keyring, and a keyring that is
 * full stops every backup.
 */
const longestWrapping = 1024;

/** How a key service is asked. */
export interface ServiceReach {
  readonly agent: KeyAgent;
  readonly access: KeyAccess;
  /** Credentials that were handed over or lie sealed; the caller's to wipe. */
  readonly secrets: CallSecrets;
  readonly signal: AbortSignal;
}

export interface ServiceWrapRequest extends ServiceReach {
  readonly masterKey: MasterKey;
  readonly target: KeyTarget;
  readonly createdAt: Date;
}

/** A new slot that the key outside opens, with a fresh id. Rejects with `keyServiceRefused`, `keyServiceUnavailable`, the signal's reason. */
export async function wrapWithService(request: ServiceWrapRequest): Promise<ServiceSlot> {
  const { agent, access, secrets, signal, masterKey, target, createdAt } = request;
  const slotId = idOf<SlotId>(randomUUID());
  const masterKeyId = Buffer.from(masterKey.masterKeyId).toString('base64');
  const binding = { installationId: masterKey.installationId, masterKeyId, slotId };
  using plaintext = new WipedBytes(masterKey.wrapPlaintext());
  using given = await agent.call({ call: 'wrap', target, access, binding }, { ...secrets, plaintext: plaintext.bytes }, signal);
  const { problem, wrapped } = given.answer;
  if (problem !== null) throw keyServiceError('wrap the master key', problem);
  const slot = slotSchemas[target.kind].safeParse({
    slotId,
    keyEpoch: masterKey.keyEpoch,
    masterKeyId,
    createdAt: createdAt.toISOString(),
    ...wrapped,
  });
  if (!slot.success || slot.data.kind === 'passphrase')
    throw wrongAnswer('wrap the master key', 'its answer has no form that a passkey could have');
  const { length } = Buffer.from(slot.data.wrapped, 'base64');
  if (length > longestWrapping) {
    throw wrongAnswer(
      'wrap the master key',
      `what it made of ${plaintext.bytes.length} bytes has ${length}, and ${longestWrapping} are enough for any key`,
    );
  }
  return slot.data;
}

export interface ServiceUnwrapRequest extends ServiceReach {
  readonly installationId: InstallationId;
  readonly slot: ServiceSlot;
}

/**
 * The master key of a slot. What the service gives is believed in nothing: its length, its epoch and the id of the master key that it makes have to be the
 * slot's (threats D7). Rejects with `keyServiceRefused`, `keyServiceUnavailable`, the signal's reason.
 */
export async function unwrapWithService(request: ServiceUnwrapRequest): Promise<MasterKey> {
  const { agent, access, secrets, signal, installationId, slot } = request;
  using given = await agent.call({ call: 'unwrap', slot, access, installationId }, secrets, signal);
  const { problem } = given.answer;
  if (problem !== null) throw keyServiceError('open the passkey', problem);
  const { plaintext } = given;
  if (plaintext === undefined || plaintext.length === 0) throw wrongAnswer('open the passkey', 'it gave nothing');
  const length = plaintext.length;
  const masterKey = MasterKey.fromWrapPlaintext(installationId, plaintext);
  if (masterKey === undefined) throw wrongAnswer('open the passkey', `the ${length} bytes that it gave are no master key`);
  if (masterKey.keyEpoch === slot.keyEpoch && masterKey.hasId(Buffer.from(slot.masterKeyId, 'base64'))) return masterKey;
  masterKey[Symbol.dispose]();
  throw wrongAnswer('open the passkey', 'it gave another master key than this installation has');
}

/** What the service says of the key. Rejects as `wrapWithService` does. */
export async function describeKey(target: KeyTarget, { agent, access, secrets, signal }: ServiceReach): Promise<KeyFacts> {
  using given = await agent.call({ call: 'describe', target, access }, secrets, signal);
  return factsOf('look at the key', given.answer);
}

/** Has the service do one step of a rotation, and gives what it says of the key then. Rejects as `wrapWithService` does; the error's details have the command. */
export async function actOnKey(target: KeyTarget, act: KeyAct, { agent, access, secrets, signal }: ServiceReach): Promise<KeyFacts> {
  using given = await agent.call({ call: 'act', target, access, act }, secrets, signal);
  return factsOf('change the key', given.answer);
}

function factsOf(action: string, { problem, facts }: { readonly problem: KeyProblem | null; readonly facts: KeyFacts | null }): KeyFacts {
  if (problem !== null) throw keyServiceError(action, problem);
  if (facts === null) throw wrongAnswer(action, 'it said nothing of the key');
  return facts;
}

/** The problem is in `details.problem`, a command for whoever may act at the service in `details.command`. */
export function keyServiceError(action: string, problem: KeyProblem): HoldfastError {
  return HoldfastError.failedTo(isPassing(problem.kind) ? 'keyServiceUnavailable' : 'keyServiceRefused', action, problem.reason, {
    fix: problem.fix,
    details: {
      problem: problem.kind,
      ...(problem.until === null ? {} : { until: problem.until }),
      ...(problem.command === null ? {} : { command: problem.command }),
    },
  });
}

function wrongAnswer(action: string, reason: string): HoldfastError {
  const fix = 'Use another passkey, and ask whoever runs the key service.';
  return keyServiceError(action, { kind: 'badAnswer', reason, fix, until: null, command: null });
}
