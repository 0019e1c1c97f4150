import {
  passkeyAddPassphrase,
  passkeyList,
  passkeyRetire,
  passkeyRotate,
  passkeyUse,
  passkeyVerify,
} from '../../../protocol/methods/passkeys.ts';
import { refuseWeakPassphrase } from '../../../protocol/passphraseRule.ts';
import type { SecretRef } from '../../../protocol/method.ts';
import type { PasskeyService } from '../../installation/passkeyService.ts';
import { type BoundHandler, type HandlerContext, handlerOf } from '../handler.ts';

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

/** As `withSecret`, with a passphrase that opens nothing yet: a weak one is `badValue`. */
export async function withNewPassphrase<Result>(
  context: HandlerContext,
  ref: SecretRef,
  run: (secret: Buffer) => Promise<Result>,
): Promise<Result> {
  return await withSecret(context, ref, async (secret) => {
    refuseWeakPassphrase(secret);
    return await run(secret);
  });
}

export function passkeyHandlers(passkeys: PasskeyService): readonly (readonly [string, BoundHandler])[] {
  return [
    handlerOf(passkeyList, async (params) => passkeys.list(params)),
    handlerOf(passkeyAddPassphrase, ({ name, passphrase, useNow }, context) =>
      withNewPassphrase(context, passphrase, (secret) => passkeys.addPassphrase(name, secret, useNow, context.signal)),
    ),
    handlerOf(passkeyUse, {
      rule: async ({ passkey }) => passkeys.checkUse(passkey),
      run: ({ passkey }, { signal }) => passkeys.use(passkey, signal),
    }),
    handlerOf(passkeyVerify, ({ passkey, passphrase }, context) =>
      withSecret(context, passphrase, (secret) => passkeys.verify(passkey, secret, context.signal)),
    ),
    handlerOf(passkeyRotate, {
      rule: async ({ passkey }) => passkeys.checkRotate(passkey),
      run: ({ passkey, passphrase }, context) =>
        withNewPassphrase(context, passphrase, (secret) => passkeys.rotate(passkey, secret, context.signal)),
    }),
    handlerOf(passkeyRetire, {
      rule: async ({ passkey, confirmed }) => void passkeys.checkRetire(passkey, confirmed),
      run: ({ passkey, confirmed }, { signal }) => passkeys.retire(passkey, confirmed, signal),
    }),
  ];
}
