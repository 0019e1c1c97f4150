import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { Secrets, type SecretWish } from '../../../cli/secrets.ts';
import { LineInput } from '../../../cli/terminal/lineInput.ts';
import { readSecret, SecretLine } from '../../../cli/terminal/secretPrompt.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { FakeHost, type FakeHostOptions } from './fakeHost.ts';

const wish: SecretWish = { what: 'the passphrase', file: undefined, flag: '--passphrase-file', question: 'Passphrase' };

async function found(
  options: FakeHostOptions,
  change: Partial<SecretWish> = {},
): Promise<{ readonly secret: string | undefined; readonly host: FakeHost }> {
  const host = new FakeHost(options);
  using secrets = new Secrets(host, (name) => `/home/user/here/${name}`);
  return { secret: (await secrets.find({ ...wish, ...change }))?.toString(), host };
}

function isBadValue(error: unknown): boolean {
  return HoldfastError.is(error, 'badValue') && error.fix !== undefined;
}

describe('cli secrets', () => {
  it('takes the first line of a file and of standard input, nothing trimmed but the line end', async () => {
    const files = { '/home/user/here/one': ' a b \nsecond', '/home/user/here/crlf': 'a\r\nb', '/home/user/here/bare': 'a' };
    assert.equal((await found({ files }, { file: 'one' })).secret, ' a b ');
    assert.equal((await found({ files }, { file: 'crlf' })).secret, 'a');
    assert.equal((await found({ files }, { file: 'bare' })).secret, 'a');
    assert.equal((await found({ input: ['first', 'second'] }, { file: '-' })).secret, 'first');
  });

  it('refuses a file that is not there, empty or huge, and an empty standard input', async () => {
    const files = { '/home/user/here/empty': '', '/home/user/here/huge': 'x'.repeat(65_536) };
    for (const file of ['none', 'empty', 'huge', '-']) await assert.rejects(found({ files }, { file }), isBadValue, file);
  });

  it('takes all of a file and of standard input, no more than it may be, and overwrites it in the end', async () => {
    const files = { '/home/user/here/keys': 'a\r\nb\n', '/home/user/here/huge': 'x'.repeat(11) };
    const host = new FakeHost({ files, input: ['a', 'b'] });
    {
      using secrets = new Secrets(host, (name) => `/home/user/here/${name}`);
      assert.equal((await secrets.readAll({ what: 'the keys', flag: '--keys', file: 'keys' }, 10)).toString(), 'a\r\nb\n');
      assert.equal((await secrets.readAll({ what: 'the keys', flag: '--keys', file: '-' }, 10)).toString(), 'a\nb\n');
      for (const file of ['huge', 'none'])
        await assert.rejects(secrets.readAll({ what: 'the keys', flag: '--keys', file }, 10), isBadValue);
    }
    assert.equal(host.handedOver.length, 4);
    for (const bytes of host.handedOver) assert.ok(bytes.every((byte) => byte === 0));
    const endless = new FakeHost({ input: Array.from({ length: 100 }, () => 'line') });
    using secrets = new Secrets(endless, (name) => name);
    await assert.rejects(secrets.readAll({ what: 'the keys', flag: '--keys', file: '-' }, 10), isBadValue);
    assert.ok(endless.handedOver.length < 5);
  });

  it('asks on a terminal, twice for a new one until both are the same', async () => {
    assert.equal((await found({ answers: ['a'] })).secret, 'a');
    const { secret, host } = await found({ answers: ['a', 'b', 'c', 'c'] }, { isNew: true });
    assert.equal(secret, 'c');
    assert.deepEqual(host.questions, ['Passphrase: ', 'The same again: ', 'Passphrase: ', 'The same again: ']);
  });

  it('finds none without a file and a terminal', async () => {
    assert.equal((await found({})).secret, undefined);
  });

  it('K6: overwrites every secret in the end', async () => {
    const { host } = await found({ answers: ['geheim-1', 'geheim-2', 'geheim-3', 'geheim-3'] }, { isNew: true });
    const { host: withFile } = await found({ files: { '/home/user/here/one': 'geheim' } }, { file: 'one' });
    const held = [...host.handedOver, ...withFile.handedOver];
    assert.equal(held.length, 5);
    for (const bytes of held) assert.ok(bytes.every((byte) => byte === 0));
  });
});

function typed(bytes: Uint8Array): { readonly states: readonly string[]; readonly text: string } {
  const line = new SecretLine();
  return { states: [...bytes].map((byte) => line.take(byte)), text: line.bytes().toString() };
}

describe('cli terminal input', () => {
  it('reads lines as bytes, whatever the pieces they come in', async () => {
    const lines = new LineInput(Readable.from([Buffer.from('a\r\nb'), Buffer.from('c\n\nlast')], { objectMode: true }));
    const read: (string | undefined)[] = [];
    for (let index = 0; index < 5; index += 1) read.push((await lines.next())?.toString());
    assert.deepEqual(read, ['a', 'bc', '', 'last', undefined]);
  });

  it('edits a hidden line by whole characters', () => {
    assert.equal(typed(Buffer.from('abé\u007f')).text, 'ab');
    assert.equal(typed(Buffer.from('ab\u0015c\u0007')).text, 'c');
    assert.equal(typed(Buffer.from('\u007f\u007fa')).text, 'a');
    assert.equal(typed(Buffer.from('a\r')).states.at(-1), 'done');
    assert.equal(typed(Buffer.from('a\u0003')).states.at(-1), 'cancelled');
    assert.equal(typed(Buffer.from('\u0004')).states.at(-1), 'cancelled');
    assert.equal(typed(Buffer.alloc(10_000, 0x61)).text.length, 4096);
  });

  it('echoes nothing that is typed, and gives the terminal back as it was', async () => {
    for (const [keys, expected] of [
      ['geheim\r', 'geheim'],
      ['ge\u001b[D', undefined],
      ['geheim\u0003', undefined],
    ] as const) {
      const seen: (boolean | string)[] = [];
      const terminal = Object.assign(new PassThrough(), {
        setRawMode: (isRaw: boolean) => seen.push(isRaw),
      });
      const asked = readSecret('Passphrase: ', terminal, (text) => seen.push(text));
      const data = Buffer.from(keys);
      terminal.emit('data', data);
      if (expected === undefined && !keys.includes('\u0003')) terminal.emit('end');
      if (expected === undefined) await assert.rejects(asked, (error) => HoldfastError.is(error, 'cancelled'));
      else assert.equal((await asked).toString(), expected);
      // Whoever answers as soon as the question is there meets a terminal that does not echo.
      assert.deepEqual(seen, [true, 'Passphrase: ', false, '\n']);
      assert.ok(data.every((byte) => byte === 0));
      assert.equal(terminal.listenerCount('data'), 0);
    }
  });
});
