import { randomUUID } from 'node:crypto';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { KeyTarget } from '../../../protocol/keyServices.ts';
import type { BegunRotation, BegunRotationStore } from '../../catalog/begunRotationStore.ts';
import type { ServiceSlot } from '../../keys/agent/keyAccess.ts';
import type { AwsKmsFacts, KeyFacts } from '../../keys/agent/keyFacts.ts';
import type { KeyAct } from '../../keys/agent/keyService.ts';
import { targetOf } from '../../keys/agent/runKeyAgent.ts';
import { actOnKey, describeKey, type ServiceReach } from '../../keys/passkeys/serviceSlot.ts';
import { type AliasOwner, aliasOwner } from './aliasOwner.ts';
import { isProblem, permitted } from './permitted.ts';
import type { Successor } from './successor.ts';

type KmsSlot = Extract<ServiceSlot, { readonly kind: 'awsKms' }>;

export interface NextKmsKeyOptions {
  readonly slot: KmsSlot;
  /** Of the old key, as it is known. */
  readonly alias: string | null;
  /** The key that the user has looked at and named; undefined: it is made, or whoever moves the alias says which it is. */
  readonly keyArn: string | undefined;
  readonly rotations: Pick<BegunRotationStore, 'get' | 'keep'>;
  readonly reach: ServiceReach;
}

/** The key that a rotation goes on with. */
interface NextKey {
  readonly keyArn: string;
  readonly step: string;
}

/**
 * The next key at AWS KMS. Whoever may make keys can not have the master key wrapped for himself: a key that somebody else made is taken only where its policy
 * was read and is the old one's, or where the user named it by its ARN. Rejects with `refusedByRule` and the command where somebody else has to act, with
 * `confirmationNeeded` and `details.keyArn` where the alias names a key whose policy may not be read.
 */
export async function nextKmsKey(options: NextKmsKeyOptions): Promise<Successor> {
  return await new NextKmsKey(options).find();
}

class NextKmsKey {
  readonly #options: NextKmsKeyOptions;
  readonly #old: KeyTarget;
  readonly #alias: string | null;
  #begun: BegunRotation | undefined;

  constructor(options: NextKmsKeyOptions) {
    const { slot, rotations, alias } = options;
    this.#options = options;
    this.#old = targetOf(slot);
    this.#begun = rotations.get(slot.slotId);
    this.#alias = this.#begun?.alias ?? alias;
  }

  async find(): Promise<Successor> {
    const { slot, keyArn: named } = this.#options;
    const before = awsFacts(await describeKey(this.#old, this.#options.reach));
    if (before.rotatesItself === true && named === undefined) {
      return {
        target: this.#old,
        facts: { ...before, alias: this.#alias },
        steps: ['The KMS key rotates by itself: the master key was wrapped anew under its newest material.'],
      };
    }
    const owner = await this.#aliasOwner();
    const next = named === undefined ? await this.#nextKey(owner, before.rotatesItself === null) : await this.#namedKey(named);
    const target: KeyTarget = { kind: 'awsKms', keyId: next.keyArn, region: slot.reference.region };
    const facts = awsFacts(await describeKey(target, this.#options.reach));
    const moved = await this.#aliasOf(next.keyArn, owner);
    const unseen =
      before.rotatesItself === null
        ? ['Whether the KMS key before rotates by itself, where no next key is needed, may not be read (kms:GetKeyRotationStatus).']
        : [];
    return { target, facts: { ...facts, alias: moved.alias }, steps: [...unseen, next.step, ...moved.steps] };
  }

  /** The user's word stands for what may not be read, and for nothing that was read and is otherwise. */
  async #namedKey(keyArn: string): Promise<NextKey> {
    if (keyArn === this.#options.slot.reference.keyArn) {
      throw HoldfastError.failedTo('badValue', 'rotate the passkey', `${keyArn} is the key that it has`, { fix: 'Name the next key.' });
    }
    try {
      return await this.#compared(keyArn);
    } catch (error) {
      if (isProblem(error, 'accessDenied')) {
        return { keyArn, step: `The KMS key ${keyArn} was named by you: its policy may not be read here, and was not compared.` };
      }
      if (!isProblem(error, 'notOurs')) throw error;
      throw HoldfastError.failedTo('refusedByRule', 'rotate the passkey', error.reason ?? 'the key can not take its place', {
        fix: error.fix ?? 'Name another key.',
        cause: error,
      });
    }
  }

  async #nextKey(owner: AliasOwner, isRotationUnseen: boolean): Promise<NextKey> {
    const handedOver = owner.is === 'other' ? await this.#handedOver(owner.keyArn) : undefined;
    if (handedOver?.next !== undefined) return handedOver.next;
    const made = await this.#madeBefore();
    if (made !== undefined) return made;
    try {
      return await this.#make(owner);
    } catch (error) {
      if (!isProblem(error, 'accessDenied')) throw error;
      if (owner.is === 'other' && handedOver?.isUnseen === true) throw askFor(owner.keyArn, String(this.#alias), error);
      throw this.#refused(error, owner, isRotationUnseen);
    }
  }

  /** The alias was moved to a key: by whoever ran the command, or by anybody else who may. */
  async #handedOver(keyArn: string): Promise<{ readonly next?: NextKey; readonly isUnseen?: boolean }> {
    if (keyArn === this.#begun?.keyArn) return { next: ownKey(keyArn) };
    try {
      return { next: await this.#compared(keyArn) };
    } catch (error) {
      if (isProblem(error, 'accessDenied')) return { isUnseen: true };
      // It is somebody else's by now.
      if (isProblem(error, 'notOurs', 'wrongKeyType')) return {};
      throw error;
    }
  }

  async #compared(keyArn: string): Promise<NextKey> {
    await this.#act({ act: 'checkSuccessor', keyArn });
    return { keyArn, step: `The KMS key ${keyArn} is there already, and has the policy of the one before.` };
  }

  /** The key that a call before this one made, as the catalog has it. */
  async #madeBefore(): Promise<NextKey | undefined> {
    const keyArn = this.#begun?.keyArn ?? null;
    if (keyArn === null) return undefined;
    const { slot, reach } = this.#options;
    try {
      const { state } = awsFacts(await describeKey({ kind: 'awsKms', keyId: keyArn, region: slot.reference.region }, reach));
      return state === 'Enabled' ? ownKey(keyArn) : undefined;
    } catch (error) {
      if (HoldfastError.is(error, 'keyServiceRefused')) return undefined;
      throw error;
    }
  }

  async #make(owner: AliasOwner): Promise<NextKey> {
    const { slot, rotations } = this.#options;
    const begun = this.#begun ?? { slotId: slot.slotId, tag: randomUUID(), alias: this.#alias, keyArn: null };
    rotations.keep(begun);
    this.#begun = begun;
    const { keyArn } = awsFacts(
      await this.#act({ act: 'createSuccessor', tag: begun.tag, alias: owner.is === 'old' ? this.#alias : null }),
    );
    rotations.keep({ ...begun, keyArn });
    return ownKey(keyArn);
  }

  /** What somebody else has to do for the next key to be there. */
  #refused(error: HoldfastError, owner: AliasOwner, isRotationUnseen: boolean): HoldfastError {
    const { command, ...details } = error.details ?? {};
    const refuse = (reason: string, fix: string, more: object = {}): HoldfastError =>
      HoldfastError.failedTo('refusedByRule', 'make the next KMS key', reason, { fix, details: { ...details, ...more }, cause: error });
    const mayNot = 'this program may not';
    if (command === undefined) return refuse(error.reason ?? mayNot, error.fix ?? 'Have somebody do it, then rotate again.');
    if (owner.is === 'unseen') {
      return refuse(
        `${mayNot}, and ${this.#alias} names a key that it may not look at`,
        'Give that key the policy of the one before where it is the next one, then rotate again.',
      );
    }
    if (isRotationUnseen) {
      return refuse(
        `${mayNot}; nor may it see whether the key rotates by itself (kms:GetKeyRotationStatus), where no next key is needed`,
        'Allow kms:GetKeyRotationStatus, which "holdfast passkey aws-policy" prints, then rotate again.',
      );
    }
    const toHand = 'Hand the command to whoever may run it, then rotate again';
    // No alias says which key it has made.
    return owner.is === 'old'
      ? refuse(mayNot, `${toHand}.`, { command })
      : refuse(mayNot, `${toHand} with --key-arn and the ARN that it prints.`, { command, next: 'keyArn' });
  }

  async #aliasOwner(): Promise<AliasOwner> {
    const { slot, reach } = this.#options;
    return this.#alias === null ? { is: 'nobody' } : await aliasOwner(this.#alias, slot.reference, reach);
  }

  /** Brings the alias to the next key, unless it is somebody else's by now. */
  async #aliasOf(keyArn: string, owner: AliasOwner): Promise<{ readonly alias: string | null; readonly steps: readonly string[] }> {
    const alias = this.#alias;
    if (alias === null) return { alias, steps: [] };
    switch (owner.is) {
      case 'nobody':
        return { alias: null, steps: [`There is no ${alias} any more.`] };
      case 'unseen':
        return { alias: null, steps: [`${alias} names a key that this program may not look at, and was left there.`] };
      case 'other':
        return owner.keyArn === keyArn ? { alias, steps: [`${alias} names it.`] } : leftAt(alias, owner.keyArn);
      case 'old':
        break;
    }
    try {
      await permitted(() => this.#act({ act: 'moveAlias', alias, keyArn }), `move ${alias} to the next KMS key`);
      return { alias, steps: [`${alias} names it from now on.`] };
    } catch (error) {
      if (isProblem(error, 'notOurs', 'keyMissing'))
        return { alias: null, steps: [`${alias} was moved by somebody else meanwhile, and was left there.`] };
      throw error;
    }
  }

  async #act(act: KeyAct): Promise<KeyFacts> {
    return await actOnKey(this.#old, act, this.#options.reach);
  }
}

function ownKey(keyArn: string): NextKey {
  return { keyArn, step: `The KMS key ${keyArn} has the policy of the one before.` };
}

function leftAt(alias: string, keyArn: string): { readonly alias: null; readonly steps: readonly string[] } {
  return { alias: null, steps: [`${alias} names another key by now, ${keyArn}, and was left there.`] };
}

function askFor(keyArn: string, alias: string, cause: HoldfastError): HoldfastError {
  return new HoldfastError(
    'confirmationNeeded',
    `Is ${keyArn} the next key? ${alias} names it by now, and this program may not read its policy: the master key is wrapped for whoever may use that key.`,
    { fix: `Look at who may use it, then rotate the passkey by hand with --key-arn ${keyArn}.`, details: { keyArn }, cause },
  );
}

function awsFacts(facts: KeyFacts): AwsKmsFacts {
  if (facts.kind !== 'awsKms') throw new RangeError('facts of another kind');
  return facts;
}
