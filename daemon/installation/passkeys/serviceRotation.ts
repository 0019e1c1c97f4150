import { HoldfastError } from '../../../protocol/errors.ts';
import type { KeyTarget } from '../../../protocol/keyServices.ts';
import type { ServiceSlot } from '../../keys/agent/keyAccess.ts';
import type { KeyFacts } from '../../keys/agent/keyFacts.ts';
import { targetOf } from '../../keys/agent/runKeyAgent.ts';
import { actOnKey, describeKey, type ServiceReach } from '../../keys/passkeys/serviceSlot.ts';

/** What the new slot of a rotation is to be wrapped with. */
export interface Successor {
  readonly target: KeyTarget;
  readonly facts: KeyFacts;
  /** What was done at the service, as sentences. */
  readonly steps: readonly string[];
}

/**
 * Brings the key outside to its next version, or makes the next key. Each step is done once however often this is called, so that a rotation that was cut
 * off goes on. Rejects with `refusedByRule` where the service does not let this program do a step: `details.command` is for whoever may.
 */
export async function prepareSuccessor(slot: ServiceSlot, alias: string | null, reach: ServiceReach): Promise<Successor> {
  return slot.kind === 'vaultTransit' ? await nextVersion(slot, reach) : await nextKey(slot, alias, reach);
}

async function nextVersion(slot: Extract<ServiceSlot, { readonly kind: 'vaultTransit' }>, reach: ServiceReach): Promise<Successor> {
  const target = targetOf(slot);
  const { version, mount, key } = slot.reference;
  const before = await describeKey(target, reach);
  if (latestOf(before) > version) {
    return { target, facts: before, steps: [`Version ${latestOf(before)} of ${mount}/${key} is there already.`] };
  }
  const facts = await permitted(() => actOnKey(target, { act: 'rotateKey', newerThan: version }, reach), 'rotate the Vault key');
  if (latestOf(facts) <= version) {
    throw HoldfastError.failedTo('keyServiceRefused', 'rotate the Vault key', `it is at version ${latestOf(facts)} as before`, {
      fix: 'Ask whoever runs Vault.',
    });
  }
  return { target, facts, steps: [`The Vault key ${mount}/${key} was rotated to version ${latestOf(facts)}.`] };
}

async function nextKey(
  slot: Extract<ServiceSlot, { readonly kind: 'awsKms' }>,
  alias: string | null,
  reach: ServiceReach,
): Promise<Successor> {
  const old = targetOf(slot);
  const before = await describeKey(old, reach);
  if (before.kind === 'awsKms' && before.rotatesItself === true) {
    return {
      target: old,
      facts: before,
      steps: ['The KMS key rotates by itself: the master key was wrapped anew under its newest material.'],
    };
  }
  const facts = await permitted(() => actOnKey(old, { act: 'createSuccessor', tag: slot.slotId, alias }, reach), 'make the next KMS key');
  if (facts.kind !== 'awsKms') throw new RangeError('facts of another kind');
  const { keyArn } = facts;
  const steps = [`The KMS key ${keyArn} has the policy of the one before.`];
  const target: KeyTarget = { kind: 'awsKms', keyId: keyArn, region: slot.reference.region };
  if (alias === null) return { target, facts, steps };
  await permitted(() => actOnKey(old, { act: 'moveAlias', alias, keyArn }, reach), `move ${alias} to the next KMS key`);
  return { target, facts: { ...facts, alias }, steps: [...steps, `${alias} names it from now on.`] };
}

function latestOf(facts: KeyFacts): number {
  return facts.kind === 'vaultTransit' ? facts.latestVersion : 0;
}

/** What this program may not do is for somebody else to do, and then to go on. */
async function permitted(act: () => Promise<KeyFacts>, action: string): Promise<KeyFacts> {
  try {
    return await act();
  } catch (error) {
    if (!HoldfastError.is(error, 'keyServiceRefused') || error.details?.['problem'] !== 'accessDenied') throw error;
    const command = error.details['command'];
    throw HoldfastError.failedTo('refusedByRule', action, 'this program may not', {
      fix:
        typeof command === 'string'
          ? 'Hand the command to whoever may run it, then rotate again.'
          : 'Have somebody do it, then rotate again.',
      details: error.details,
      cause: error,
    });
  }
}
