import type { InstallationId } from '../../protocol/ids.ts';
import { type KeyTarget, keyTargetSchema } from '../../protocol/keyServices.ts';
import { keyArnProblem, type NamedKey, type NamedKeys, namedKeysMost } from '../../protocol/namedKeys.ts';
import type { DrKey } from './dr/drKey.ts';
import { isRecoveryKeyring } from './keyring.ts';
import { inSearchOrder, isFinding, type KeyringCandidate, readCandidate } from './keyringCandidates.ts';
import { targetOf } from './agent/runKeyAgent.ts';
import { isSlotOf } from './serviceTrials.ts';
import type { Slot } from './slot.ts';

/** A flood of keyrings may name any number; those beyond are counted alone. */
const heldMost = 10_000;

export interface NamedKeysRequest {
  readonly installationId: InstallationId;
  readonly candidates: readonly KeyringCandidate[];
  /** Where it is held, only keyrings that it authenticated name anything: their keys are the user's own. */
  readonly drKey?: DrKey | undefined;
  readonly signal?: AbortSignal;
}

/**
 * The keys outside that the keyrings of a location name, for the user to say which is his. Nothing is sent to any. Whoever can write to the store can have it
 * name as many as he likes, but not before the store's own time: the oldest come first. What has not the form of a key is left out.
 */
export async function namedKeys({ installationId, candidates, drKey, signal }: NamedKeysRequest): Promise<NamedKeys> {
  const named = new Map<string, NamedKey>();
  let beyond = 0;
  for (const candidate of oldestFirst(installationId, candidates)) {
    const read = await readCandidate(installationId, candidate, signal);
    signal?.throwIfAborted();
    if (isFinding(read) || (drKey !== undefined && !isRecoveryKeyring(read.keyring, drKey))) continue;
    const targets = new Map(read.keyring.body.slots.flatMap((slot) => usableTarget(slot) ?? []).map((one) => [JSON.stringify(one), one]));
    for (const [name, target] of targets) {
      const known = named.get(name);
      if (known === undefined && named.size >= heldMost) beyond += 1;
      else named.set(name, { target, since: known?.since ?? isoOf(candidate), keyrings: (known?.keyrings ?? 0) + 1 });
    }
  }
  const references = [...named.values()].slice(0, namedKeysMost);
  return { references, left: named.size - references.length + beyond };
}

function oldestFirst(installationId: InstallationId, candidates: readonly KeyringCandidate[]): readonly KeyringCandidate[] {
  return inSearchOrder(installationId, candidates).toSorted((a, b) => timeOf(a) - timeOf(b));
}

/** Of no known time: as if put last. */
function timeOf({ lastModified }: KeyringCandidate): number {
  return lastModified?.getTime() ?? Number.MAX_SAFE_INTEGER;
}

function isoOf({ lastModified }: KeyringCandidate): string | null {
  return lastModified?.toISOString() ?? null;
}

/** `undefined` for a passphrase, and for what no key of a service could be called. */
function usableTarget(slot: Slot): KeyTarget | undefined {
  if (slot.kind === 'passphrase') return undefined;
  const target = keyTargetSchema.safeParse(targetOf(slot)).data;
  if (target === undefined || !isSlotOf(slot, target)) return undefined;
  return target.kind === 'awsKms' && keyArnProblem(target.keyId) !== undefined ? undefined : target;
}
