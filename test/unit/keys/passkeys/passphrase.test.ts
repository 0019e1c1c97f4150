import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { MasterKey } from '../../../../daemon/keys/masterKey.ts';
import { unwrapWithPassphrase, wrapWithPassphrase } from '../../../../daemon/keys/passkeys/passphrase.ts';
import { WorkerScryptRunner } from '../../../../daemon/keys/scryptRunner.ts';
import { deriveWithScrypt } from '../../../../daemon/keys/scryptWorker.ts';
import { type PassphraseSlot, slotContext, slotSchemas } from '../../../../daemon/keys/slot.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import { idOf } from '../../../../protocol/ids.ts';
import { FakeScrypt } from '../support/fakeScrypt.ts';
import { createdAt, installationId, newSlot, utf8 } from '../support/keyrings.ts';

const masterKey = MasterKey.generate(installationId);
const scrypt = new FakeScrypt();

function flipped(base64: string, at: number): string {
  const bytes = Buffer.from(base64, 'base64');
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  return bytes.toString('base64');
}

async function refuses(slot: PassphraseSlot, passphrase: string | Uint8Array): Promise<HoldfastError> {
  const typed = typeof passphrase === 'string' ? utf8(passphrase) : passphrase;
  try {
    (await unwrapWithPassphrase({ installationId, slot, passphrase: typed, scrypt }))[Symbol.dispose]();
  } catch (error) {
    if (HoldfastError.is(error, 'wrongSecret')) return error;
    throw error;
  }
  return assert.fail('it opened');
}

describe('the passphrase passkey', () => {
  it('opens what it wrapped, with the passphrase typed in either form of Unicode', async () => {
    const slot = await newSlot(masterKey, 'caf\u00e9 au lait', scrypt);
    assert.ok(slotSchemas.passphrase.safeParse(slot).success);
    using opened = await unwrapWithPassphrase({ installationId, slot, passphrase: utf8('cafe\u0301 au lait'), scrypt });
    assert.ok(opened.hasId(masterKey.masterKeyId));
    assert.deepEqual(opened.catalogKey().export(), masterKey.catalogKey().export());
  });

  it('binds the lines of docs/format.md, Slot, each ended by 0x0A', async () => {
    const slot = await newSlot(masterKey, 'p', scrypt);
    const lines = [
      'holdfast/slot/v1',
      installationId,
      Buffer.from(masterKey.masterKeyId).toString('hex'),
      slot.slotId,
      'passphrase',
      '262144',
      '8',
      '1',
      Buffer.from(slot.reference.salt, 'base64').toString('hex'),
      '',
    ];
    assert.equal(Buffer.from(slotContext(installationId, slot)).toString('ascii'), lines.join('\n'));
  });

  it('answers a wrong passphrase, form, commitment, tag and master key with one and the same error', async () => {
    const slot = await newSlot(masterKey, 'right', scrypt);
    const { reference } = slot;
    using other = MasterKey.generate(installationId);
    const attempts: readonly (readonly [PassphraseSlot, string | Uint8Array])[] = [
      [slot, 'wrong'],
      [slot, ' right'],
      [slot, ''],
      [slot, Uint8Array.of(0xff)],
      [slot, 'x'.repeat(5000)],
      [{ ...slot, reference: { ...reference, commit: flipped(reference.commit, 0) } }, 'right'],
      [{ ...slot, wrapped: flipped(slot.wrapped, 56) }, 'right'],
      [{ ...slot, wrapped: flipped(slot.wrapped, 0) }, 'right'],
      [{ ...slot, masterKeyId: Buffer.from(other.masterKeyId).toString('base64') }, 'right'],
      [{ ...slot, keyEpoch: 2 }, 'right'],
      [{ ...slot, slotId: idOf('99999999-8888-4777-8666-555555555555') }, 'right'],
    ];
    const errors = await Promise.all(attempts.map(([bad, passphrase]) => refuses(bad, passphrase)));
    assert.equal(new Set(errors.map(({ message, fix, details }) => JSON.stringify([message, fix, details]))).size, 1);
  });

  it('C7: a slot that is moved to another installation does not open', async () => {
    const slot = await newSlot(masterKey, 'right', scrypt);
    const elsewhere = idOf<typeof installationId>('0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0fe');
    await assert.rejects(unwrapWithPassphrase({ installationId: elsewhere, slot, passphrase: utf8('right'), scrypt }), (error) =>
      HoldfastError.is(error, 'wrongSecret'),
    );
  });

  it('C11: the commitment is compared before the tag, so a ciphertext made to open under two keys opens under one', async () => {
    const slot = await newSlot(masterKey, 'first', scrypt);
    // Valid in all but the commitment under the second passphrase: what a partitioning oracle would be fed with.
    const second = await newSlot(masterKey, 'second', scrypt);
    const both = { ...second, reference: { ...second.reference, commit: slot.reference.commit } };
    await refuses(both, 'second');
    await refuses(both, 'first');
  });

  it('C2: each wrapping has an id, a salt and so a key of its own', async () => {
    const slots = await Promise.all(Array.from({ length: 50 }, () => newSlot(masterKey, 'same', scrypt)));
    for (const part of [
      (slot: PassphraseSlot) => slot.slotId,
      (slot: PassphraseSlot) => slot.reference.salt,
      (slot: PassphraseSlot) => slot.wrapped,
    ]) {
      assert.equal(new Set(slots.map(part)).size, slots.length);
    }
  });

  it('M5 C9: parameters outside the accepted ones are refused before anything is derived', async () => {
    const slot = await newSlot(masterKey, 'right', scrypt);
    const before = scrypt.count;
    const changes = [
      { N: 2 ** 16 },
      { N: 2 ** 21 },
      { N: 2 ** 17 + 1 },
      { N: 2 ** 40 },
      { r: 1 },
      { r: 2 ** 30 },
      { p: 0 },
      { p: 5 },
      { p: 1.5 },
      { salt: 'AAAA' },
    ];
    for (const change of changes) {
      const bad = { ...slot, reference: { ...slot.reference, ...change } };
      assert.ok(!slotSchemas.passphrase.safeParse(bad).success, JSON.stringify(change));
      await assert.rejects(unwrapWithPassphrase({ installationId, slot: bad, passphrase: utf8('right'), scrypt }), (error) =>
        HoldfastError.is(error, 'damaged'),
      );
    }
    assert.equal(scrypt.count, before);
    await assert.rejects(
      wrapWithPassphrase({ masterKey, passphrase: utf8('p'), scrypt, createdAt, parameters: { N: 1024, r: 8, p: 1 } }),
      RangeError,
    );
  });

  it('refuses to set a passphrase of bad form, before anything is derived', async () => {
    const before = scrypt.count;
    await assert.rejects(newSlot(masterKey, ' padded', scrypt), (error) => HoldfastError.is(error, 'badValue'));
    assert.equal(scrypt.count, before);
  });

  it('does all of it with the real scrypt in a worker thread, and leaves the passphrase to its owner', async () => {
    const runner = new WorkerScryptRunner(new URL('../support/scryptEntry.ts', import.meta.url));
    const passphrase = utf8('right');
    const slot = await wrapWithPassphrase({ masterKey, passphrase, scrypt: runner, createdAt, parameters: { N: 2 ** 17, r: 8, p: 1 } });
    using opened = await unwrapWithPassphrase({ installationId, slot, passphrase, scrypt: runner });
    assert.ok(opened.hasId(masterKey.masterKeyId));
    assert.deepEqual(passphrase, utf8('right'));
    const derived = deriveWithScrypt(passphrase, Buffer.from(slot.reference.salt, 'base64'), { N: 2 ** 17, r: 8, p: 1 }, 64);
    assert.equal(Buffer.from(derived.subarray(32)).toString('base64'), slot.reference.commit);
  });
});

describe('the scrypt runner', () => {
  const parameters = { N: 2 ** 17, r: 8, p: 1 } as const;

  it('M5: refuses parameters outside the accepted ones', async () => {
    const runner = new WorkerScryptRunner(new URL('../support/scryptEntry.ts', import.meta.url));
    await assert.rejects(runner.derive(utf8('p'), new Uint8Array(32), { N: 2 ** 25, r: 8, p: 1 }, 64), RangeError);
  });

  it('lets a caller go at once when it aborts, waiting or running, and goes on with the next', async () => {
    const runner = new WorkerScryptRunner(new URL('../support/scryptEntry.ts', import.meta.url));
    const [running, waiting] = [new AbortController(), new AbortController()];
    const salt = new Uint8Array(32);
    const first = runner.derive(utf8('first'), salt, parameters, 64, running.signal);
    const second = runner.derive(utf8('second'), salt, parameters, 64, waiting.signal);
    const third = runner.derive(utf8('third'), salt, parameters, 64);
    let isThirdDone = false;
    const watched = third.then(() => {
      isThirdDone = true;
      return isThirdDone;
    });
    // The first is at work in its thread once the event loop has turned.
    await setImmediate();
    running.abort(new Error('gone'));
    waiting.abort(new Error('gone too'));
    await assert.rejects(first, /^Error: gone$/);
    await assert.rejects(second, /^Error: gone too$/);
    assert.equal(isThirdDone, false);
    assert.deepEqual(await third, deriveWithScrypt(utf8('third'), salt, parameters, 64));
    await watched;
    await assert.rejects(runner.derive(utf8('p'), salt, parameters, 64, AbortSignal.abort(new Error('before'))), /^Error: before$/);
  });

  it('derives one after the other, in the order in which it was asked', async () => {
    const runner = new WorkerScryptRunner(new URL('../support/scryptEntry.ts', import.meta.url));
    const ended: string[] = [];
    const derive = async (name: string, N: number): Promise<void> => {
      await runner.derive(utf8(name), new Uint8Array(32), { N, r: 8, p: 1 }, 64);
      ended.push(name);
    };
    await Promise.all([derive('long', 2 ** 18), derive('short', 2 ** 17)]);
    assert.deepEqual(ended, ['long', 'short']);
  });

  it('says so when the worker thread cannot do it', async () => {
    const notAWorker = new WorkerScryptRunner(new URL(`file://${fileURLToPath(import.meta.url)}.missing.ts`));
    await assert.rejects(notAWorker.derive(utf8('p'), new Uint8Array(32), parameters, 64), (error) => HoldfastError.is(error, 'failed'));
  });
});
