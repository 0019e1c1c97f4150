import { HoldfastError } from '../../../protocol/errors.ts';
import type { BegunRotationStore } from '../../catalog/begunRotationStore.ts';
import type { ServiceSlot } from '../../keys/agent/keyAccess.ts';
import type { KeyFacts } from '../../keys/agent/keyFacts.ts';
import { targetOf } from '../../keys/agent/runKeyAgent.ts';
import { actOnKey, describeKey, type ServiceReach } from '../../keys/passkeys/serviceSlot.ts';
import { nextKmsKey } from './nextKmsKey.ts';
import { permitted } from './permitted.ts';
import type { Successor } from './successor.ts';

export interface SuccessorOptions {
  readonly slot: ServiceSlot;
  /** Of a KMS key, as it is known. */
  readonly alias: string | null;
  /** The next KMS key, where the user named it. */
  readonly keyArn: string | undefined;
  readonly rotations: Pick<BegunRotationStore, 'get' | 'keep'>;
  readonly reach: ServiceReach;
}

/**
 * Brings the key outside to its next version, or makes the next key. Each step is done once however often this is called, so that a rotation that was cut
 * off goes on. Rejects with `refusedByRule` where the service does not let this program do a step: `details.command` is for whoever may; for KMS also as
 * `nextKmsKey`.
 */
export async function prepareSuccessor({ slot, ...options }: SuccessorOptions): Promise<Successor> {
  return slot.kind === 'vaultTransit' ? await nextVersion(slot, options.reach) : await nextKmsKey({ slot, ...options });
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

function latestOf(facts: KeyFacts): number {
  return facts.kind === 'vaultTransit' ? facts.latestVersion : 0;
}
