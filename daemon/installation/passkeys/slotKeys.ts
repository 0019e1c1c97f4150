import { HoldfastError } from '../../../protocol/errors.ts';
import type { InstallationId, SlotId } from '../../../protocol/ids.ts';
import { type KeyAccess, keyAccessSchema, type KeySecrets, type KeyTarget } from '../../../protocol/keyServices.ts';
import { vaultEnvironment } from '../../../protocol/vaultEnvironment.ts';
import type { ServiceKeyRecord, ServiceKeyStore } from '../../catalog/serviceKeyStore.ts';
import type { KeyAgent } from '../../keys/agent/keyAgent.ts';
import type { ServiceSlot } from '../../keys/agent/keyAccess.ts';
import type { CallSecrets } from '../../keys/agent/keyCall.ts';
import type { KeyFacts } from '../../keys/agent/keyFacts.ts';
import { targetOf } from '../../keys/agent/runKeyAgent.ts';
import type { MasterKey } from '../../keys/masterKey.ts';
import { DrPassphrase } from '../../keys/dr/drPassphrase.ts';
import { decodeDrSlot } from '../../keys/dr/drSlot.ts';
import { unwrapWithPassphrase, wrapWithPassphrase } from '../../keys/passkeys/passphrase.ts';
import { describeKey, keyServiceError, type ServiceReach, unwrapWithService, wrapWithService } from '../../keys/passkeys/serviceSlot.ts';
import type { ScryptRunner } from '../../keys/scryptRunner.ts';
import type { PassphraseSlot, Slot } from '../../keys/slot.ts';

/** What a new slot is made with. Secrets stay the caller's to wipe. */
export type NewSlotKey = { readonly kind: 'passphrase'; readonly passphrase: Uint8Array } | ServiceSlotKey;

export interface ServiceSlotKey {
  readonly kind: 'service';
  readonly target: KeyTarget;
  readonly access: KeyAccess;
  readonly credentials: KeySecrets | undefined;
}

/** What somebody gives to open slots; nothing: what this machine knows itself. A passphrase stays the caller's to wipe. */
export interface Opening {
  readonly passphrase?: Uint8Array | undefined;
  /** In place of how the slot's key service is reached otherwise. */
  readonly access?: KeyAccess | undefined;
  readonly credentials?: KeySecrets | undefined;
}

export interface SlotKeysOptions {
  readonly serviceKeys: ServiceKeyStore;
  readonly scrypt: ScryptRunner;
  readonly agent: KeyAgent;
  readonly wallClock: () => Date;
  /** Of the daemon, which key agents have too. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** That of the DR passphrase, while disaster recovery is on. */
  readonly drSlot: () => Uint8Array | undefined;
}

/** Makes slots of every kind, and opens them. */
export class SlotKeys {
  readonly #options: SlotKeysOptions;

  constructor(options: SlotKeysOptions) {
    this.#options = options;
  }

  /** Rejects with `badValue` (the passphrase), `refusedByRule` (it is the DR passphrase), `keyServiceRefused`, `keyServiceUnavailable`. */
  async make(key: NewSlotKey, masterKey: MasterKey, signal: AbortSignal): Promise<Slot> {
    const { scrypt, agent, wallClock } = this.#options;
    const createdAt = wallClock();
    if (key.kind === 'passphrase') {
      const slot = await wrapWithPassphrase({ masterKey, passphrase: key.passphrase, scrypt, createdAt, signal });
      await this.#refuseDrPassphrase(masterKey.installationId, key.passphrase, signal);
      return slot;
    }
    const { target, access, credentials } = key;
    return await wrapWithService({ masterKey, target, createdAt, agent, access, secrets: callSecrets(credentials), signal });
  }

  /** A recovery takes two different secrets. */
  async #refuseDrPassphrase(installationId: InstallationId, passphrase: Uint8Array, signal: AbortSignal): Promise<void> {
    const drSlot = this.#options.drSlot();
    if (drSlot === undefined) return;
    using derived = await DrPassphrase.derive({ installationId, passphrase, scrypt: this.#options.scrypt, signal });
    using opened = derived.tryToOpen(decodeDrSlot(drSlot, installationId));
    if (opened === undefined) return;
    throw HoldfastError.failedTo(
      'refusedByRule',
      'set the passphrase',
      'it is the DR passphrase, and a recovery takes two different secrets',
      {
        fix: 'Choose another passphrase, or let one be generated.',
      },
    );
  }

  /** `undefined` where the passphrase does not open it, or there is none for it. Rejects with `keyServiceRefused`, `keyServiceUnavailable`, `damaged`. */
  async open(installationId: InstallationId, slot: Slot, opening: Opening, signal: AbortSignal): Promise<MasterKey | undefined> {
    if (slot.kind === 'passphrase') {
      return opening.passphrase === undefined ? undefined : await this.#openPassphrase(installationId, slot, opening.passphrase, signal);
    }
    return await unwrapWithService({ installationId, slot, ...this.reach(slot, opening, signal) });
  }

  /** How the key service of a slot is asked. Throws `keyServiceRefused` where this machine does not know how, or its login lies sealed and nothing may stand for it. */
  reach(slot: ServiceSlot, opening: Opening, signal: AbortSignal): ServiceReach {
    const { agent, serviceKeys } = this.#options;
    const access = this.#accessFor(slot, opening);
    const isGiven = takesGiven(access);
    const credentials = opening.credentials ?? (isGiven ? serviceKeys.credentials(slot.slotId) : null);
    if (isGiven && (credentials === undefined || credentials === null)) {
      return { agent, access: this.#ownAccess(slot, access), secrets: {}, signal };
    }
    return { agent, access, secrets: callSecrets(credentials ?? undefined), signal };
  }

  /** The login that an opening used, as it can be kept: with what is known of the slot where the opening says nothing. */
  login(slot: ServiceSlot, opening: Opening): { readonly access: KeyAccess; readonly credentials: KeySecrets | undefined } {
    const access = this.#accessFor(slot, opening);
    const known = takesGiven(access) ? this.#options.serviceKeys.credentials(slot.slotId) : null;
    return { access, credentials: takesGiven(access) ? (opening.credentials ?? known ?? undefined) : undefined };
  }

  /** Whether it is reached with credentials that only an unlocked daemon can read: a failure until then says nothing of the slot. */
  isSealed(slotId: SlotId): boolean {
    return this.#options.serviceKeys.credentials(slotId) === undefined;
  }

  /** Where a KMS key is asked for in place of AWS's own address. */
  endpointOf(slotId: SlotId): string | null {
    const record = this.#options.serviceKeys.get(slotId);
    const access = record === undefined ? undefined : keyAccessSchema.parse(JSON.parse(record.access));
    return access?.kind === 'awsKms' ? access.endpoint : null;
  }

  /** What the service says of a key that is to wrap. Rejects as `make` does. */
  async describe({ target, access, credentials }: ServiceSlotKey, signal: AbortSignal): Promise<KeyFacts> {
    return await describeKey(target, { agent: this.#options.agent, access, secrets: callSecrets(credentials), signal });
  }

  /** What the service says of a slot's key; `undefined` where it says nothing. */
  async look(slot: ServiceSlot, opening: Opening, signal: AbortSignal): Promise<KeyFacts | undefined> {
    try {
      return await describeKey(targetOf(slot), this.reach(slot, opening, signal));
    } catch (error) {
      signal.throwIfAborted();
      if (HoldfastError.is(error, 'keyServiceRefused', 'keyServiceUnavailable')) return undefined;
      throw error;
    }
  }

  async #openPassphrase(
    installationId: InstallationId,
    slot: PassphraseSlot,
    passphrase: Uint8Array,
    signal: AbortSignal,
  ): Promise<MasterKey | undefined> {
    try {
      return await unwrapWithPassphrase({ installationId, slot, passphrase, scrypt: this.#options.scrypt, signal });
    } catch (error) {
      if (HoldfastError.is(error, 'wrongSecret')) return undefined;
      throw error;
    }
  }

  /**
   * Handed-over credentials can not be read while the daemon is locked: it tries with those of its own surroundings instead. A token is tried at the one
   * address that it is for, and nowhere where nothing says which that is.
   */
  #ownAccess(slot: ServiceSlot, access: KeyAccess): KeyAccess {
    if (access.kind === 'awsKms') return { ...access, credentials: { source: 'chain' } };
    const { address } = vaultEnvironment(this.#options.environment);
    if (slot.kind === 'vaultTransit' && address === slot.reference.address) return { ...access, login: { method: 'environment' } };
    throw keyServiceError('open the passkey', {
      kind: 'noCredentials',
      reason: this.isSealed(slot.slotId)
        ? 'its token lies sealed in the catalog, which a locked daemon can not read'
        : 'no token is kept for it',
      fix: 'Unlock with another passkey, or log in with "holdfast unlock --token-file F".',
      until: null,
      command: null,
    });
  }

  #accessFor(slot: ServiceSlot, { access, credentials }: Opening): KeyAccess {
    const record = this.#options.serviceKeys.get(slot.slotId);
    const known = record === undefined ? undefined : keyAccessSchema.parse(JSON.parse(record.access));
    if (access !== undefined && access.kind !== slot.kind) {
      throw HoldfastError.failedTo('badValue', 'open the passkey', 'it is of another kind than what was given for it', {
        fix: 'Name another passkey, or give what this one needs.',
      });
    }
    const found = access === undefined ? known : completed(access, known, credentials);
    if (found !== undefined) return found;
    throw HoldfastError.failedTo('keyServiceRefused', 'open the passkey', 'this machine does not know how to log in to its key service', {
      fix: 'Log in with --profile P or --token-file F: "holdfast unlock" takes them this once, "holdfast passkey verify NAME" keeps them.',
    });
  }
}

function takesGiven(access: KeyAccess): boolean {
  return access.kind === 'awsKms' ? access.credentials.source === 'given' : access.login.method === 'given';
}

/** What somebody gives in place of what is known: where he says nothing of the endpoint, the CA or the credentials, they are as they are known. */
function completed(given: KeyAccess, known: KeyAccess | undefined, credentials: KeySecrets | undefined): KeyAccess {
  if (given.kind === 'awsKms' && known?.kind === 'awsKms') {
    const isSaid = given.credentials.source !== 'given' || credentials !== undefined;
    return { kind: 'awsKms', endpoint: given.endpoint ?? known.endpoint, credentials: isSaid ? given.credentials : known.credentials };
  }
  if (given.kind === 'vaultTransit' && known?.kind === 'vaultTransit') {
    const isSaid = given.login.method !== 'given' || credentials !== undefined;
    return { kind: 'vaultTransit', caFile: given.caFile ?? known.caFile, login: isSaid ? given.login : known.login };
  }
  return given;
}

/** What opens a slot that was just made with this. */
export function openingOf(key: NewSlotKey): Opening {
  return key.kind === 'passphrase' ? { passphrase: key.passphrase } : { access: key.access, credentials: key.credentials };
}

/** What the catalog holds of a new slot at a key service. */
export function newServiceKey(
  slotId: SlotId,
  access: KeyAccess,
  facts: KeyFacts | null,
  more: Partial<Pick<ServiceKeyRecord, 'rotateEveryDays'>> = {},
): Omit<ServiceKeyRecord, 'credentials'> {
  return {
    slotId,
    access: JSON.stringify(access),
    facts: facts === null ? null : JSON.stringify(facts),
    problem: null,
    checkedAt: null,
    rotateEveryDays: null,
    problemSince: null,
    tokenStuckAt: null,
    rotationTrouble: null,
    ...more,
  };
}

/** The bytes live as long as the call; their text is the catalog's or the request's. */
export function callSecrets(credentials: KeySecrets | undefined): CallSecrets {
  if (credentials === undefined) return {};
  if (credentials.kind === 'vaultTransit') return { token: Buffer.from(credentials.token) };
  return {
    accessKeyId: Buffer.from(credentials.accessKeyId),
    secretAccessKey: Buffer.from(credentials.secretAccessKey),
    ...(credentials.sessionToken === undefined ? {} : { sessionToken: Buffer.from(credentials.sessionToken) }),
  };
}
