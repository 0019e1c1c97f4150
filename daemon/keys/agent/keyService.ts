import type { InstallationId, SlotId } from '../../../protocol/ids.ts';
import type { ServiceSlot } from './keyAccess.ts';
import type { KeyFacts } from './keyFacts.ts';

/** What a wrapping is bound to, so that one slot's ciphertext opens as no other's (docs/format.md, Slot). */
export interface SlotBinding {
  readonly installationId: InstallationId;
  /** 16 bytes in base64. */
  readonly masterKeyId: string;
  readonly slotId: SlotId;
}

/** The members of a slot that the service decides. */
export type WrappedKey = Pick<ServiceSlot, 'kind' | 'reference' | 'wrapped'>;

/** Steps of a rotation at the service. Each can be repeated: what is done already is no error. */
export type KeyAct =
  /** Vault: a version newer than this one, unless there is one. */
  | { readonly act: 'rotateKey'; readonly newerThan: number }
  /** Vault: nothing below this version is decrypted any more. */
  | { readonly act: 'raiseMinimum'; readonly version: number }
  /** Vault: the token that is in use lives longer. */
  | { readonly act: 'renewToken' }
  /**
   * KMS: a key with the same policy, description and tags; found again by its tag where it was made already, and trusted then as `checkSuccessor` has it. Its
   * facts are the answer. The alias stays where it is: the command for whoever may do this moves it.
   */
  | { readonly act: 'createSuccessor'; readonly tag: string; readonly alias: string | null }
  /**
   * KMS: whether a key that somebody else made may follow this one: of the same account, origin and policy, and without grants. `notOurs` where it may not;
   * `accessDenied` where that can not be seen. Its facts are the answer.
   */
  | { readonly act: 'checkSuccessor'; readonly keyArn: string }
  /** KMS: the alias names this key from now on. `notOurs` where it names neither this one nor the one before: it is somebody else's by now. */
  | { readonly act: 'moveAlias'; readonly alias: string; readonly keyArn: string }
  /** KMS: the key is deleted after so many days. */
  | { readonly act: 'scheduleDeletion'; readonly days: number };

/**
 * One key at AWS KMS or Vault, logged in, inside the key agent's process. Every method rejects with `KeyServiceFailure`. Nothing that the service
 * answers is believed: the daemon checks what was unwrapped.
 */
export interface KeyService {
  describe(): Promise<KeyFacts>;
  /** The plaintext stays the caller's to wipe. */
  wrap(plaintext: Uint8Array, binding: SlotBinding): Promise<WrappedKey>;
  /** What the service gives, whatever its length up to `longestPlaintext`; for the caller to wipe. */
  unwrap(slot: ServiceSlot, installationId: InstallationId): Promise<Uint8Array<ArrayBuffer>>;
  act(act: KeyAct): Promise<KeyFacts>;
}

/** Above what any slot holds: more is a wrong answer. */
export const longestPlaintext = 1024;
