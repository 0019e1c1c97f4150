import type { Passkey } from '../../../protocol/methods/passkeys.ts';
import type { SlotId } from '../../../protocol/ids.ts';
import { keyAccessSchema } from '../../../protocol/keyServices.ts';
import { minuteOf } from '../../../protocol/wording.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { PasskeyRecord } from '../../catalog/passkeyStore.ts';
import type { ServiceKeyRecord } from '../../catalog/serviceKeyStore.ts';
import { type KeyFacts, keyFactsSchema } from '../../keys/agent/keyFacts.ts';
import { type KeyProblem, keyProblemSchema } from '../../keys/agent/keyProblem.ts';
import type { GateDecision } from '../../keys/gate/retirementGate.ts';
import type { Slot } from '../../keys/slot.ts';

export function factsIn(record: ServiceKeyRecord | undefined): KeyFacts | null {
  return record === undefined || record.facts === null ? null : keyFactsSchema.parse(JSON.parse(record.facts));
}

export function problemIn(record: ServiceKeyRecord | undefined): KeyProblem | null {
  return record === undefined || record.problem === null ? null : keyProblemSchema.parse(JSON.parse(record.problem));
}

const dayMs = 86_400_000;

/** A passkey as users see it. `hasSealedAlone`: its credentials lie sealed, and no other passkey opens without anybody there. */
export function passkeyRow(
  record: PasskeyRecord,
  slot: Slot | undefined,
  service: ServiceKeyRecord | undefined,
  gate: GateDecision,
  hasSealedAlone: boolean,
  now: string,
): Passkey {
  return {
    slotId: record.slotId,
    name: record.name,
    kind: record.kind,
    inUse: record.inUse,
    state: record.state,
    reference: slot === undefined ? {} : referenceOf(slot, factsIn(service)),
    createdAt: record.createdAt,
    verifiedAt: record.verifiedAt,
    retirableFrom: record.state === 'retired' ? null : gate.allowed ? now : (gate.from?.toISOString() ?? null),
    rotates: rotationOf(record, service),
    warnings:
      record.state === 'retired' || slot === undefined
        ? []
        : [...warningsOf(slot, service), ...(record.leftKeyringsAt === null ? [] : [leftOut]), ...(hasSealedAlone ? [sealedAlone] : [])],
  };
}

/** What is going to be retired is followed by none. */
function rotationOf({ state, createdAt, leftKeyringsAt }: PasskeyRecord, service: ServiceKeyRecord | undefined): Passkey['rotates'] {
  const everyDays = service?.rotateEveryDays ?? null;
  if (everyDays === null || state === 'retired' || leftKeyringsAt !== null) return null;
  return { everyDays, next: new Date(Date.parse(createdAt) + everyDays * dayMs).toISOString() };
}

const leftOut = 'New keyrings leave it out: it is going to be retired.';

const sealedAlone =
  'Its credentials lie sealed in the catalog, which a locked daemon can not read: it does not unlock itself with them. Give a profile, a role or a file, or log in by hand.';

/** Whether a slot is reached with credentials that were handed over, and no verified one without. */
export function isSealedAlone(slotId: SlotId, catalog: Pick<Catalog, 'serviceKeys' | 'passkeys'>): boolean {
  const service = catalog.serviceKeys.get(slotId);
  return service !== undefined && isHandedOver(service) && !hasOpenService(catalog);
}

/** Whether a verified passkey is reached with what a locked daemon can read. */
export function hasOpenService({ serviceKeys, passkeys }: Pick<Catalog, 'serviceKeys' | 'passkeys'>): boolean {
  return passkeys.list().some(({ slotId, state }) => {
    const record = state === 'ready' ? serviceKeys.get(slotId) : undefined;
    return record !== undefined && !isHandedOver(record);
  });
}

/** Whether a locked daemon can not read what it is reached with. */
export function isHandedOver(record: ServiceKeyRecord): boolean {
  const access = keyAccessSchema.parse(JSON.parse(record.access));
  return access.kind === 'awsKms' ? access.credentials.source === 'given' : access.login.method === 'given';
}

/** What names the key outside, by kind; `{}` for a passphrase. */
export function referenceOf(slot: Slot, facts: KeyFacts | null): Readonly<Record<string, unknown>> {
  if (slot.kind === 'passphrase') return {};
  if (slot.kind === 'vaultTransit') return { ...slot.reference };
  return { ...slot.reference, alias: facts?.kind === 'awsKms' ? facts.alias : null };
}

function warningsOf(slot: Slot, service: ServiceKeyRecord | undefined): readonly string[] {
  const [facts, problem] = [factsIn(service), problemIn(service)];
  const warnings = problem === null ? [] : [`It failed when it was last tried: ${problem.reason}.`];
  if (slot.kind === 'vaultTransit' && facts?.kind === 'vaultTransit') {
    const { version } = slot.reference;
    if (facts.latestVersion > version) warnings.push(`Vault key version ${facts.latestVersion}, passkey at ${version}.`);
    if (facts.minDecryptionVersion > version) warnings.push(`Vault decrypts no version below ${facts.minDecryptionVersion} any more.`);
  }
  if (facts?.kind === 'awsKms' && facts.deletionDate !== null) {
    warnings.push(`The KMS key is going to be deleted on ${minuteOf(facts.deletionDate)}.`);
  }
  return warnings;
}
