import type { VaultTransitTarget } from '../../agent/keyAccess.ts';
import type { VaultTokenFacts } from '../../agent/keyFacts.ts';
import { KeyServiceFailure } from '../../agent/keyProblem.ts';
import { dataOf, errorsOf, keyAnswerSchema, tokenAnswerSchema, type VaultKeyAnswer } from './vaultAnswers.ts';
import type { VaultSession } from './vaultSession.ts';

/** Key types that bind associated data (Vault and OpenBao, Transit, Key types). */
const aeadTypes: ReadonlySet<string> = new Set(['aes128-gcm96', 'aes256-gcm96', 'chacha20-poly1305', 'xchacha20-poly1305']);

/** What the engine says of the key; whether the key will do is another question. Rejects with `KeyServiceFailure`. */
export async function readKeyState(session: VaultSession, { mount, key }: VaultTransitTarget): Promise<VaultKeyAnswer> {
  const asked = { right: 'read', path: `${mount}/keys/${key}` } as const;
  const answer = await session.answer(asked);
  if (answer.status === 200) return dataOf(keyAnswerSchema, answer.body, asked.path);
  // Where there is an engine, and no such key, nothing is said.
  if (answer.status === 404 && errorsOf(answer.body) === '') {
    throw new KeyServiceFailure('keyMissing', `there is no key ${key} at ${mount}`, 'Create it as aes256-gcm96, or name another one.');
  }
  throw await session.failureOf(answer, asked);
}

/** Throws `KeyServiceFailure` where nothing can be wrapped with the key so that it opens in its own place alone. */
export function assertFits({ mount, key }: VaultTransitTarget, state: VaultKeyAnswer): void {
  if (state.soft_deleted === true) {
    throw new KeyServiceFailure(
      'keyDisabled',
      `the key ${key} at ${mount} is deleted, and can still be restored`,
      `Have it restored ("bao write -f ${mount}/keys/${key}/soft-delete-restore").`,
    );
  }
  const { type, derived, supports_encryption: encrypts, supports_decryption: decrypts } = state;
  const fault =
    !aeadTypes.has(type) || !encrypts || !decrypts ? 'is of a type that binds no associated data' : derived ? 'derives keys' : undefined;
  if (fault === undefined) return;
  const shown = /^[a-z0-9_-]{1,32}$/.test(type) ? ` (${type})` : '';
  throw new KeyServiceFailure(
    'wrongKeyType',
    `the key ${key} at ${mount} ${fault}${shown}`,
    'Name a key of the type aes256-gcm96 that was created without "derived".',
  );
}

/** Of the token in use; null where a login gives a new one each time, or it may not look itself up. */
export async function readTokenFacts(session: VaultSession): Promise<VaultTokenFacts | null> {
  if (session.token === undefined || session.token.isFresh) return null;
  const asked = { right: 'read', path: 'auth/token/lookup-self' } as const;
  const answer = await session.answer(asked);
  if (answer.status === 403) return null;
  if (answer.status !== 200) throw await session.failureOf(answer, asked);
  const { expire_time: expiry, creation_ttl: creationTtl, renewable = false } = dataOf(tokenAnswerSchema, answer.body, asked.path);
  return { expiresAt: expiry === null ? null : new Date(expiry).toISOString(), creationTtl, renewable };
}
