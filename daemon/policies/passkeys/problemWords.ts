import { minuteOf } from '../../../protocol/wording.ts';
import type { KeyProblem, KeyProblemKind } from '../../keys/agent/keyProblem.ts';

/** Of each problem its own clause about a passkey, in words of ours alone: what a service said is sealed beside it. */
export function problemClause({ kind, until }: Pick<KeyProblem, 'kind' | 'until'>): string {
  return kind === 'pendingDeletion' && until !== null ? `its key is going to be deleted on ${minuteOf(until)}` : clauses[kind];
}

const clauses: Readonly<Record<KeyProblemKind, string>> = {
  keyDisabled: 'its key is disabled',
  pendingDeletion: 'its key is going to be deleted',
  keyMissing: 'its key is not there any more',
  wrongKeyType: 'its key is of a type that can not wrap',
  accessDenied: 'the key service denies access to its key',
  badLogin: 'the key service refuses the login',
  noCredentials: 'there are no credentials for its key service',
  tokenExpired: 'its token has expired or was revoked',
  throttled: 'its key service takes no more requests for now',
  unreachable: 'its key service can not be reached',
  timeout: 'its key service gives no answer in time',
  certificate: 'the certificate of its key service is not trusted',
  sealed: 'its Vault is sealed',
  standby: 'its Vault server stands by',
  versionTooOld: "the version of its Vault key is below the key's min_decryption_version",
  versionTrimmed: 'the version of its Vault key was trimmed',
  notOurs: 'the key at the key service is not the one that wrapped it',
  badAnswer: 'its key service gives a wrong answer',
  failed: 'its key service failed',
};

export type EndingKind = Extract<KeyProblemKind, 'keyDisabled' | 'pendingDeletion' | 'keyMissing' | 'versionTooOld' | 'versionTrimmed'>;

/** What somebody did outside to a key, which the retirement gate would not have let happen while the key is needed. */
const endings: Readonly<Record<EndingKind, string>> = {
  keyDisabled: 'was disabled',
  pendingDeletion: 'is going to be deleted',
  keyMissing: 'was deleted',
  versionTooOld: 'may not be decrypted with any more in the version that the passkey needs (min_decryption_version)',
  versionTrimmed: 'was trimmed of the version that the passkey needs',
};

export function isEnding(kind: KeyProblemKind): kind is EndingKind {
  return Object.hasOwn(endings, kind);
}

export function endingClause(kind: EndingKind, until: string | null): string {
  return kind === 'pendingDeletion' && until !== null ? `${endings[kind]} on ${minuteOf(until)}` : endings[kind];
}
