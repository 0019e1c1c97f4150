import assert from 'node:assert/strict';
import type { BoundHandler, HandlerContext } from '../../../daemon/server/handler.ts';
import { passkeyHandlers } from '../../../daemon/server/methods/passkeyHandlers.ts';
import { contextOf } from '../../support/handlerContext.ts';
import { newId } from '../../support/ids.ts';
import { InstallationBench } from '../../support/installationBench.ts';

describe('passphrases of new passkeys', () => {
  it('are refused by the daemon where they are weak, whoever asks; what is there is opened by whatever it has', async () => {
    using bench = await InstallationBench.ready();
    const handlers = new Map<string, BoundHandler>(passkeyHandlers(bench.installation.passkeys));
    const taken: Buffer[] = [];
    const call = async (method: string, secret: string, params: object): Promise<unknown> => {
      const take = (): Buffer => {
        taken.push(Buffer.from(secret));
        return taken.at(-1) ?? assert.fail();
      };
      const context: HandlerContext = { ...contextOf(true), secrets: { take } };
      return await (handlers.get(method) ?? assert.fail()).run({ passphrase: { secretId: 1 }, ...params }, context);
    };
    const adding = { requestId: newId(), name: 'second', useNow: false };
    await assert.rejects(call('passkey.addPassphrase', 'short', adding), { code: 'badValue', message: /fewer than 12 characters/u });
    await assert.rejects(call('passkey.rotate', 'aaaaaaaaaaaaa', { requestId: newId(), passkey: 'main' }), { code: 'badValue' });
    assert.equal(bench.installation.passkeys.list({}).items.length, 1);
    assert.ok(
      taken.every((secret) => secret.every((byte) => byte === 0)),
      'refused ones are overwritten too',
    );
    await bench.installation.passkeys.add(
      'old',
      { kind: 'passphrase', passphrase: Buffer.from('short') },
      false,
      new AbortController().signal,
    );
    await call('passkey.verify', 'short', { passkey: 'old' });
    await call('passkey.addPassphrase', 'long enough for it', adding);
    assert.equal(bench.installation.passkeys.list({}).items.length, 3);
  });
});
