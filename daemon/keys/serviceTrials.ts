import { HoldfastError } from '../../protocol/errors.ts';
import type { InstallationId } from '../../protocol/ids.ts';
import type { KeyAccess, KeyTarget } from '../../protocol/keyServices.ts';
import type { KeyAgent } from './agent/keyAgent.ts';
import type { ServiceSlot } from './agent/keyAccess.ts';
import type { CallSecrets } from './agent/keyCall.ts';
import { isPassing, type KeyProblemKind, keyProblemKinds } from './agent/keyProblem.ts';
import type { Keyring } from './keyring.ts';
import type { MasterKey } from './masterKey.ts';
import { unwrapWithService } from './passkeys/serviceSlot.ts';
import type { Slot } from './slot.ts';
import { type AskToGoOn, type SlotTrials, trialsBetweenQuestions } from './slotTrials.ts';

/** A key outside that the user has named himself, and how it is reached. */
export interface ConfirmedKey {
  /** A KMS key by its ARN. */
  readonly target: KeyTarget;
  readonly access: KeyAccess;
  readonly agent: KeyAgent;
  /** Fresh bytes for each call. */
  readonly secrets: () => CallSecrets;
}

export interface ServiceTrialsOptions {
  readonly installationId: InstallationId;
  readonly confirmed: ConfirmedKey;
  readonly askToGoOn: AskToGoOn;
  readonly signal?: AbortSignal;
}

/**
 * One key outside against many slots. What a keyring names is somebody's word: only slots whose reference is exactly the key that the user named are sent to
 * it, of whatever version (threats C9).
 */
export class ServiceTrials implements SlotTrials {
  readonly #options: ServiceTrialsOptions;
  readonly #tried = new Set<string>();
  #hasOpened = false;
  #first: HoldfastError | undefined;

  constructor(options: ServiceTrialsOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#tried.size;
  }

  /** The newest first: after a rotation that is the one in use, and an old version may be one that Vault decrypts no more. */
  slotsOf({ body: { slots } }: Keyring): readonly Slot[] {
    const own = slots.filter((slot) => isSlotOf(slot, this.#options.confirmed.target));
    return own.toSorted((a, b) => (a.createdAt > b.createdAt ? -1 : a.createdAt < b.createdAt ? 1 : 0));
  }

  hasTried(slot: Slot): boolean {
    return this.#tried.has(nameOf(slot));
  }

  /** Rejects with what keeps the key from opening any slot, as long as none has opened. */
  async open(slot: Slot): Promise<MasterKey | undefined> {
    const { confirmed, installationId, askToGoOn, signal = new AbortController().signal } = this.#options;
    const { target, access, agent, secrets } = confirmed;
    if (!isSlotOf(slot, target) || this.hasTried(slot)) return undefined;
    if (!this.#hasOpened && this.count > 0 && this.count % trialsBetweenQuestions === 0 && !(await askToGoOn(this.count))) {
      throw new HoldfastError('cancelled', `Failed to open a keyring: stopped after ${this.count} attempts.`, {
        details: { attempts: this.count },
      });
    }
    this.#tried.add(nameOf(slot));
    try {
      const masterKey = await unwrapWithService({ installationId, slot, agent, access, secrets: secrets(), signal });
      this.#hasOpened = true;
      return masterKey;
    } catch (error) {
      signal.throwIfAborted();
      if (!HoldfastError.is(error, 'keyServiceRefused', 'keyServiceUnavailable')) throw error;
      if (!this.#hasOpened && !isOfSlot(error)) throw error;
      this.#first ??= error;
      return undefined;
    }
  }

  failure(): HoldfastError {
    return (
      this.#first ??
      HoldfastError.failedTo('unknownName', 'open a keyring', 'no keyring of the location holds a passkey of the key that was named', {
        fix: 'Leave the key out, so that the keys that the keyrings name are listed.',
      })
    );
  }

  [Symbol.dispose](): void {
    this.#tried.clear();
  }
}

/** Whether a slot names exactly this key. Of a Vault key, any version counts. */
export function isSlotOf(slot: Slot, target: KeyTarget): slot is ServiceSlot {
  if (slot.kind === 'awsKms') {
    return target.kind === 'awsKms' && slot.reference.keyArn === target.keyId && slot.reference.region === target.region;
  }
  if (slot.kind !== 'vaultTransit' || target.kind !== 'vaultTransit') return false;
  const { address, namespace, mount, key } = slot.reference;
  return address === target.address && namespace === target.namespace && mount === target.mount && key === target.key;
}

/** What a slot that somebody forged can bring about by itself: another one may open all the same. */
const slotProblems: ReadonlySet<KeyProblemKind> = new Set([
  'accessDenied',
  'versionTooOld',
  'versionTrimmed',
  'notOurs',
  'badAnswer',
  'failed',
]);

function isOfSlot(error: HoldfastError): boolean {
  const kind = keyProblemKinds.find((one) => one === error.details?.['problem']);
  return kind !== undefined && !isPassing(kind) && slotProblems.has(kind);
}

/** All that an attempt depends on: a forged slot can have the id of a true one. */
function nameOf(slot: Slot): string {
  return JSON.stringify([slot.slotId, slot.keyEpoch, slot.masterKeyId, slot.reference, slot.wrapped]);
}
