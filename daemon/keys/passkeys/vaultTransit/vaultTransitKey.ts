import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import { vaultMinimumCommand, vaultRotateCommand } from '../../../../protocol/keyCommands.ts';
import type { InstallationId } from '../../../../protocol/ids.ts';
import { keyTargetSchema } from '../../../../protocol/keyServices.ts';
import { systemCode } from '../../../../protocol/systemCode.ts';
import type { ServiceSlot, VaultTransitAccess, VaultTransitTarget } from '../../agent/keyAccess.ts';
import type { CallSecrets } from '../../agent/keyCall.ts';
import type { VaultTransitFacts } from '../../agent/keyFacts.ts';
import { KeyServiceFailure } from '../../agent/keyProblem.ts';
import { type KeyAct, type KeyService, longestPlaintext, type SlotBinding, type WrappedKey } from '../../agent/keyService.ts';
import { secretCopy } from '../../secretBytes.ts';
import { slotContext } from '../../slot.ts';
import { badAnswer, dataOf, decryptAnswerSchema, encryptAnswerSchema, errorsOf, type VaultKeyAnswer } from './vaultAnswers.ts';
import { ciphertextOfWrapped, parseVaultCiphertext, wrappedOfCiphertext } from './vaultCiphertext.ts';
import { assertFits, readKeyState, readTokenFacts } from './vaultKeyState.ts';
import { type LoginWorld, logIn } from './vaultLogin.ts';
import { type VaultAsked, VaultSession } from './vaultSession.ts';
import { VaultText } from './vaultText.ts';
import { type VaultLimits, VaultTransport } from './vaultTransport.ts';

/** What the agent's process has around it. */
export interface VaultWorld {
  readonly environment: NodeJS.ProcessEnv;
  readonly home: string;
  readonly limits: VaultLimits;
}

/** The daemon gives a call sixty seconds: what is too slow is told by name before that. */
const usualLimits: VaultLimits = { connect: 10_000, answer: 40_000 };

/** A key of Vault's or OpenBao's transit engine. Nothing is sent before the first call of a method. Rejects with `KeyServiceFailure`. */
export async function openVaultTransit(
  target: VaultTransitTarget,
  access: VaultTransitAccess,
  secrets: CallSecrets,
  world: VaultWorld = { environment: process.env, home: os.homedir(), limits: usualLimits },
): Promise<KeyService> {
  // A slot's own reference comes from a keyring, which anybody may have written.
  const checked = keyTargetSchema.safeParse(target);
  if (!checked.success || checked.data.kind !== 'vaultTransit') {
    throw new KeyServiceFailure(
      'failed',
      `the reference to the key will not do: ${checked.error?.issues[0]?.message ?? 'it is of another kind'}`,
      'Put the address, the mount and the key right.',
    );
  }
  const authorities = access.caFile === null ? undefined : await readAuthorities(access.caFile);
  return new VaultTransitKey(checked.data, access, authorities, { ...world, secrets, address: checked.data.address });
}

class VaultTransitKey implements KeyService {
  readonly #target: VaultTransitTarget;
  readonly #access: VaultTransitAccess;
  readonly #authorities: string | undefined;
  readonly #world: VaultWorld & LoginWorld;

  constructor(target: VaultTransitTarget, access: VaultTransitAccess, authorities: string | undefined, world: VaultWorld & LoginWorld) {
    this.#target = target;
    this.#access = access;
    this.#authorities = authorities;
    this.#world = world;
  }

  async describe(): Promise<VaultTransitFacts> {
    return await this.#loggedIn((session) => this.#facts(session));
  }

  /** The key is read before: a request to encrypt with a key that is not there would create one, where the token may. */
  async wrap(plaintext: Uint8Array, binding: SlotBinding): Promise<WrappedKey> {
    return await this.#loggedIn(async (session) => {
      const { mount, key, address, namespace } = this.#target;
      const state = await this.#fitting(session);
      const text = Buffer.from(plaintext.buffer, plaintext.byteOffset, plaintext.length).toString('base64');
      session.text.hide(text);
      const asked: VaultAsked = {
        right: 'update',
        path: `${mount}/encrypt/${key}`,
        body: { plaintext: text, associated_data: associatedData(binding.installationId, { ...binding, kind: 'vaultTransit' }) },
      };
      const answer = dataOf(encryptAnswerSchema, await session.ask(asked), asked.path);
      const ciphertext = parseVaultCiphertext(answer.ciphertext);
      if (ciphertext === undefined) throw badAnswer('what Vault wrapped is not of the form vault:v1:…');
      const { version } = ciphertext;
      // Somebody may rotate the key in between; what wraps is always its newest version.
      if (version < state.latest_version || version !== (answer.key_version ?? version)) {
        throw badAnswer(`Vault wrapped with version ${version}, and says otherwise of the key`);
      }
      return {
        kind: 'vaultTransit',
        reference: { address, namespace, mount, key, version },
        wrapped: wrappedOfCiphertext(ciphertext),
      };
    });
  }

  async unwrap(slot: ServiceSlot, installationId: InstallationId): Promise<Uint8Array<ArrayBuffer>> {
    if (slot.kind !== 'vaultTransit') throw new RangeError('a slot of another kind');
    const ciphertext = ciphertextOfWrapped(slot.wrapped);
    if (ciphertext === undefined || ciphertext.version !== slot.reference.version) {
      throw new KeyServiceFailure(
        'notOurs',
        'what the passkey holds is nothing that this version of a key at Vault wrapped',
        'Use another passkey.',
      );
    }
    return await this.#loggedIn(async (session) => {
      const { mount, key } = this.#target;
      const asked: VaultAsked = {
        right: 'update',
        path: `${mount}/decrypt/${key}`,
        body: { ciphertext: ciphertext.text, associated_data: associatedData(installationId, slot) },
      };
      const answer = await session.answer(asked);
      if (answer.status === 400 && answer.body !== undefined) {
        throw (await this.#unopened(session, ciphertext.version, errorsOf(answer.body) ?? '')) ?? (await session.failureOf(answer, asked));
      }
      if (answer.status !== 200) throw await session.failureOf(answer, asked);
      const { plaintext } = dataOf(decryptAnswerSchema, answer.body, asked.path);
      const bytes = Buffer.from(plaintext, 'base64');
      if (bytes.length > longestPlaintext || bytes.toString('base64') !== plaintext) {
        throw badAnswer('what Vault unwrapped is too long, or no base64');
      }
      const given = secretCopy(bytes);
      bytes.fill(0);
      return given;
    });
  }

  async act(act: KeyAct): Promise<VaultTransitFacts> {
    return await this.#loggedIn(async (session) => {
      switch (act.act) {
        case 'rotateKey':
          return await this.#rotate(session, act.newerThan);
        case 'raiseMinimum':
          return await this.#raiseMinimum(session, act.version);
        case 'renewToken':
          return await this.#renewToken(session);
        case 'createSuccessor':
        case 'checkSuccessor':
        case 'moveAlias':
        case 'scheduleDeletion':
          throw new RangeError('an act of another kind of key');
      }
    });
  }

  async #rotate(session: VaultSession, newerThan: number): Promise<VaultTransitFacts> {
    const before = await this.#fitting(session);
    if (before.latest_version <= newerThan) {
      await session.ask({
        right: 'update',
        path: `${this.#target.mount}/keys/${this.#target.key}/rotate`,
        command: vaultRotateCommand(this.#target),
      });
    }
    const facts = await this.#facts(session);
    if (facts.latestVersion <= newerThan) throw badAnswer(`Vault has rotated the key, and its version is still ${facts.latestVersion}`);
    return facts;
  }

  async #raiseMinimum(session: VaultSession, version: number): Promise<VaultTransitFacts> {
    const before = await this.#fitting(session);
    if (version > before.latest_version) {
      throw new KeyServiceFailure(
        'failed',
        `the newest version of the key is ${before.latest_version}: a minimum of ${version} would leave none`,
        'Rotate the key first.',
      );
    }
    if (before.min_decryption_version < version) {
      await session.ask({
        right: 'update',
        path: `${this.#target.mount}/keys/${this.#target.key}/config`,
        body: { min_decryption_version: version },
        command: vaultMinimumCommand(this.#target, version),
      });
    }
    const facts = await this.#facts(session);
    if (facts.minDecryptionVersion < version) {
      throw badAnswer(`Vault has raised the minimum, and it is still ${facts.minDecryptionVersion}`);
    }
    return facts;
  }

  async #renewToken(session: VaultSession): Promise<VaultTransitFacts> {
    const before = await readTokenFacts(session);
    // A login gives a new one each time; a token without an end needs no longer life.
    if (session.token?.isFresh === true || (before !== null && before.expiresAt === null)) return await this.#facts(session);
    if (before?.renewable === false) {
      throw new KeyServiceFailure(
        'tokenExpired',
        `the token can not be renewed, and ends at ${before.expiresAt}`,
        session.token?.renewal ?? 'Log in anew.',
      );
    }
    await session.ask({ right: 'update', path: 'auth/token/renew-self' });
    return await this.#facts(session);
  }

  async #facts(session: VaultSession): Promise<VaultTransitFacts> {
    const state = await this.#fitting(session);
    return {
      kind: 'vaultTransit',
      type: state.type,
      latestVersion: state.latest_version,
      minDecryptionVersion: state.min_decryption_version,
      minAvailableVersion: state.min_available_version,
      token: await readTokenFacts(session),
    };
  }

  async #fitting(session: VaultSession): Promise<VaultKeyAnswer> {
    const state = await readKeyState(session, this.#target);
    assertFits(this.#target, state);
    return state;
  }

  /** Why Vault does not decrypt: by the facts of the key, as far as it may be read; Vault's own words are the last resort. */
  async #unopened(session: VaultSession, version: number, said: string): Promise<KeyServiceFailure | undefined> {
    const { mount, key } = this.#target;
    const name = `the key ${key} at ${mount}`;
    let state: VaultKeyAnswer | undefined;
    try {
      state = await this.#fitting(session);
    } catch (error) {
      if (!(error instanceof KeyServiceFailure) || error.problem.kind !== 'accessDenied') throw error;
    }
    if (state !== undefined && version < state.min_available_version) {
      return new KeyServiceFailure(
        'versionTrimmed',
        `version ${version} of ${name} was trimmed; the oldest that is left is ${state.min_available_version}`,
        'Use another passkey; nothing brings a trimmed version back but a backup of Vault.',
      );
    }
    if ((state !== undefined && version < state.min_decryption_version) || /too old/.test(said)) {
      return new KeyServiceFailure(
        'versionTooOld',
        `${name} no longer decrypts with version ${version}${state === undefined ? '' : `: min_decryption_version is ${state.min_decryption_version}`}`,
        `Have min_decryption_version set to ${version} again.`,
        { command: vaultMinimumCommand(this.#target, version) },
      );
    }
    if (state !== undefined && version > state.latest_version) {
      return new KeyServiceFailure(
        'notOurs',
        `${name} has no version ${version} yet, the newest is ${state.latest_version}: it is another key of that name, or an old state of it`,
        'Have the key restored from a backup of Vault, or use another passkey.',
      );
    }
    if (/encryption key not found/.test(said)) {
      return new KeyServiceFailure(
        'keyMissing',
        `there is no key ${key} at ${mount}`,
        'Have it restored from a backup of Vault, or use another passkey.',
      );
    }
    if (/message authentication failed/.test(said)) {
      return new KeyServiceFailure(
        'notOurs',
        `${name} did not wrap this passkey, or the passkey was changed since`,
        'Look whether it is another key of the same name, or use another passkey.',
      );
    }
    return undefined;
  }

  async #loggedIn<Result>(work: (session: VaultSession) => Promise<Result>): Promise<Result> {
    const text = new VaultText();
    using transport = new VaultTransport({
      address: this.#target.address,
      authorities: this.#authorities,
      limits: this.#world.limits,
      environment: this.#world.environment,
    });
    const options = { target: this.#target, transport, text };
    const session = new VaultSession(options, await logIn(this.#access.login, new VaultSession(options), this.#world));
    try {
      return await work(session);
    } finally {
      await session.revokeFresh();
    }
  }
}

/** Base64, as the API takes it (docs/format.md, Kinds awsKms and vaultTransit). */
function associatedData(installationId: InstallationId, slot: Parameters<typeof slotContext>[1]): string {
  return Buffer.from(slotContext(installationId, slot)).toString('base64');
}

async function readAuthorities(file: string): Promise<string> {
  try {
    const text = await readFile(file, 'utf8');
    // Throws where there is no certificate in it: the TLS library would trust nobody, and say nothing of the file.
    void new X509Certificate(text);
    return text;
  } catch (error) {
    throw new KeyServiceFailure(
      'certificate',
      `the CA file ${file} ${systemCode(error) === undefined ? 'holds no certificate in PEM' : `can not be read (${systemCode(error)})`}`,
      'Name a file with the certificate of the authority in PEM.',
    );
  }
}
