import { HoldfastError } from '../../../protocol/errors.ts';
import { type KeySecrets, keySecretsSchema } from '../../../protocol/keyServices.ts';
import {
  passkeyAdd,
  passkeyAddPassphrase,
  passkeyCheck,
  passkeyGate,
  passkeyList,
  passkeyRetire,
  passkeyRotate,
  passkeySchedule,
  passkeyUse,
  passkeyVerify,
} from '../../../protocol/methods/passkeys.ts';
import type { SecretRef } from '../../../protocol/method.ts';
import { parseStrictJson } from '../../../protocol/strictJson.ts';
import type { PasskeyService } from '../../installation/passkeys/passkeyService.ts';
import { type BoundHandler, type HandlerContext, handlerOf } from '../handler.ts';
import { stepUpNeeded } from '../rights.ts';

/** Runs with a secret of the request and overwrites it afterwards. */
export async function withSecret<Result>(
  context: HandlerContext,
  ref: SecretRef,
  run: (secret: Buffer) => Promise<Result>,
): Promise<Result> {
  const secret = context.secrets.take(ref);
  try {
    return await run(secret);
  } finally {
    secret.fill(0);
  }
}

/** As `withSecret`, where the request may have none. */
export async function withOptionalSecret<Result>(
  context: HandlerContext,
  ref: SecretRef | undefined,
  run: (secret: Buffer | undefined) => Promise<Result>,
): Promise<Result> {
  return ref === undefined ? await run(undefined) : await withSecret(context, ref, run);
}

/** Runs with the credentials of a key service that the request brings. Throws `badValue`. */
export async function withKeySecrets<Result>(
  context: HandlerContext,
  ref: SecretRef | undefined,
  run: (credentials: KeySecrets | undefined) => Promise<Result>,
): Promise<Result> {
  return await withOptionalSecret(context, ref, async (secret) => await run(secret === undefined ? undefined : keySecretsIn(secret)));
}

/** Credentials of a key service as a client hands them over. Throws `badValue`. */
export function keySecretsIn(bytes: Uint8Array): KeySecrets {
  try {
    return keySecretsSchema.parse(parseStrictJson(bytes, { maxBytes: 65_536, maxDepth: 2, what: 'the credentials' }));
  } catch (cause) {
    throw HoldfastError.failedTo('badValue', 'read the credentials', 'they have not the form that is asked for', {
      fix: 'Give an access key and its secret, or a token.',
      cause,
    });
  }
}

export function passkeyHandlers(passkeys: PasskeyService): readonly (readonly [string, BoundHandler])[] {
  return [
    handlerOf(passkeyList, async (params) => passkeys.list(params)),
    handlerOf(passkeyAddPassphrase, ({ name, passphrase, useNow }, context) =>
      withSecret(context, passphrase, (secret) => passkeys.add(name, { kind: 'passphrase', passphrase: secret }, useNow, context.signal)),
    ),
    handlerOf(passkeyCheck, ({ target, access, credentials: ref }, context) =>
      withKeySecrets(context, ref, (credentials) => passkeys.check({ kind: 'service', target, access, credentials }, context.signal)),
    ),
    handlerOf(passkeyAdd, ({ name, target, access, credentials: ref, useNow }, context) =>
      withKeySecrets(context, ref, (credentials) =>
        passkeys.add(name, { kind: 'service', target, access, credentials }, useNow, context.signal),
      ),
    ),
    handlerOf(passkeyUse, {
      rule: async ({ passkey }) => passkeys.checkUse(passkey),
      run: ({ passkey }, { signal }) => passkeys.use(passkey, signal),
    }),
    handlerOf(passkeyVerify, async ({ passkey, passphrase: phrase, access, credentials: ref }, context) => {
      const { slotId } = passkeys.resolve(passkey);
      // It is how the daemon logs in from then on.
      if (access !== undefined && !context.stepUp.isGranted()) throw stepUpNeeded();
      return await withOptionalSecret(context, phrase, (passphrase) =>
        withKeySecrets(context, ref, (credentials) => passkeys.verify(slotId, { passphrase, access, credentials }, context.signal)),
      );
    }),
    handlerOf(passkeyGate, ({ passkey }, { signal }) => passkeys.gate(passkey, signal)),
    handlerOf(passkeyRotate, {
      rule: async ({ passkey }) => passkeys.checkRotate(passkey),
      run: ({ passkey, passphrase: phrase, everyDays, keyArn }, context) =>
        phrase === undefined
          ? passkeys.rotate(passkey, { everyDays, keyArn }, context.signal)
          : withSecret(context, phrase, (passphrase) => passkeys.rotate(passkey, { passphrase }, context.signal)),
    }),
    handlerOf(passkeySchedule, ({ passkey, everyDays }, { signal }) => passkeys.schedule(passkey, everyDays, signal)),
    handlerOf(passkeyRetire, {
      rule: async ({ passkey, confirmed }) => passkeys.checkRetire(passkey, confirmed),
      run: ({ passkey, confirmed, outside }, { signal }) => passkeys.retire(passkey, { confirmed, outside }, signal),
    }),
  ];
}
