import type { KeyAgent, KeyAgentAnswer } from '../../daemon/keys/agent/keyAgent.ts';
import { problemAnswer } from '../../daemon/keys/agent/keyAgent.ts';
import type { CallSecrets, KeyAnswer, KeyCall } from '../../daemon/keys/agent/keyCall.ts';
import type { KeyFacts, VaultTokenFacts } from '../../daemon/keys/agent/keyFacts.ts';
import type { KeyAct } from '../../daemon/keys/agent/keyService.ts';
import type { KeyProblemKind } from '../../daemon/keys/agent/keyProblem.ts';
import { slotContext } from '../../daemon/keys/slot.ts';

type Wrapped = NonNullable<KeyAnswer['wrapped']>;

/** Key services in memory: a Vault key with versions and KMS keys with an alias, each of which can be made to fail. */
export class FakeKeyAgent implements KeyAgent {
  readonly calls: string[] = [];
  readonly acts: KeyAct[] = [];
  /** Of the one Vault key. */
  latestVersion = 1;
  minDecryptionVersion = 1;
  /** ARN of the key that the alias names. */
  aliasArn: string = arnOf(1);
  rotatesItself: boolean | null = false;
  /** Of the login at Vault. */
  token: VaultTokenFacts | null = null;
  /** What a renewal makes of it; as it was where left out. */
  renewed: ((token: VaultTokenFacts) => VaultTokenFacts) | undefined;
  /** When a key is deleted whose deletion is pending. */
  until: string | null = null;
  /** By call, or by act: what it answers instead. */
  readonly problems: Map<string, KeyProblemKind> = new Map();
  /** What an unwrap gives in place of what was wrapped. */
  lie: ((plaintext: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer> | undefined) | undefined;
  readonly #wrapped = new Map<
    string,
    { readonly plaintext: Uint8Array<ArrayBuffer>; readonly context: string; readonly outside: string }
  >();
  readonly #tags = new Map<string, string>();
  #keys = 1;

  async call(call: KeyCall, secrets: CallSecrets, signal: AbortSignal): Promise<KeyAgentAnswer> {
    signal.throwIfAborted();
    const name = call.call === 'act' ? call.act.act : call.call;
    this.calls.push(name);
    if (call.call === 'act') this.acts.push(call.act);
    const problem = this.problems.get(name) ?? this.problems.get('*');
    if (problem !== undefined) {
      const answered = problemAnswer(problem, `it is ${problem}`, 'Mend it.');
      const command = call.call === 'act' ? `do ${name}` : null;
      const until = problem === 'pendingDeletion' ? this.until : null;
      return {
        ...answered,
        answer: { ...answered.answer, problem: answered.answer.problem && { ...answered.answer.problem, command, until } },
      };
    }
    switch (call.call) {
      case 'describe':
        return answerOf({ facts: this.#facts(call.target) });
      case 'wrap': {
        const kind = call.target.kind;
        const context = Buffer.from(slotContext(call.binding.installationId, { ...call.binding, kind })).toString('latin1');
        const wrapped = Buffer.from(`wrapped ${this.#wrapped.size}`).toString('base64');
        const slot: Wrapped =
          call.target.kind === 'awsKms'
            ? { kind: 'awsKms', reference: { keyArn: this.#arnOf(call.target.keyId), region: call.target.region }, wrapped }
            : {
                kind: 'vaultTransit',
                reference: {
                  address: call.target.address,
                  namespace: call.target.namespace,
                  mount: call.target.mount,
                  key: call.target.key,
                  version: this.latestVersion,
                },
                wrapped,
              };
        const outside = slot.kind === 'awsKms' && 'keyArn' in slot.reference ? slot.reference.keyArn : String(this.latestVersion);
        this.#wrapped.set(wrapped, { plaintext: Uint8Array.from(secrets.plaintext ?? []), context, outside });
        return answerOf({ wrapped: slot });
      }
      case 'unwrap': {
        const known = this.#wrapped.get(call.slot.wrapped);
        const context = Buffer.from(slotContext(call.installationId, call.slot)).toString('latin1');
        if (known === undefined || known.context !== context) return problemAnswer('notOurs', 'it does not open', 'Use another.');
        if (call.slot.kind === 'vaultTransit' && call.slot.reference.version < this.minDecryptionVersion) {
          return problemAnswer('versionTooOld', 'its version is too old', 'Lower min_decryption_version.');
        }
        return answerOf({}, (this.lie ?? ((plaintext) => plaintext))(Uint8Array.from(known.plaintext)));
      }
      case 'act': {
        const { act } = call;
        if (act.act === 'rotateKey' && this.latestVersion <= act.newerThan) this.latestVersion += 1;
        if (act.act === 'renewToken' && this.token !== null) this.token = this.renewed?.(this.token) ?? this.token;
        if (act.act === 'raiseMinimum') this.minDecryptionVersion = Math.max(this.minDecryptionVersion, act.version);
        if (act.act === 'moveAlias') {
          if (call.target.kind !== 'awsKms' || ![call.target.keyId, act.keyArn].includes(this.aliasArn)) {
            return problemAnswer('notOurs', 'the alias names another key', 'Leave it.');
          }
          this.aliasArn = act.keyArn;
        }
        if (act.act === 'checkSuccessor')
          return answerOf({ facts: this.#facts({ kind: 'awsKms', keyId: act.keyArn, region: 'eu-west-1' }) });
        if (act.act === 'createSuccessor') {
          const made = this.#tags.get(act.tag) ?? arnOf((this.#keys += 1));
          this.#tags.set(act.tag, made);
          return answerOf({ facts: this.#facts({ kind: 'awsKms', keyId: made, region: 'eu-west-1' }) });
        }
        return answerOf({ facts: this.#facts(call.target) });
      }
    }
  }

  #arnOf(keyId: string): string {
    return keyId.includes('alias/') ? this.aliasArn : keyId;
  }

  #facts(target: Extract<KeyCall, { readonly call: 'describe' }>['target']): KeyFacts {
    if (target.kind === 'awsKms') {
      const alias = /alias\/.*$/.exec(target.keyId)?.[0] ?? null;
      const keyArn = this.#arnOf(target.keyId);
      return {
        kind: 'awsKms',
        keyArn,
        alias,
        region: target.region,
        state: 'Enabled',
        deletionDate: null,
        rotatesItself: this.rotatesItself,
      };
    }
    return {
      kind: 'vaultTransit',
      type: 'aes256-gcm96',
      latestVersion: this.latestVersion,
      minDecryptionVersion: this.minDecryptionVersion,
      minAvailableVersion: 0,
      token: this.token,
    };
  }
}

/** Of the KMS key with this number; the first is 1. */
export function arnOf(number: number): string {
  return `arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
}

function answerOf(members: Partial<KeyAnswer>, plaintext?: Uint8Array<ArrayBuffer>): KeyAgentAnswer {
  return { answer: { problem: null, facts: null, wrapped: null, ...members }, plaintext, [Symbol.dispose]() {} };
}
