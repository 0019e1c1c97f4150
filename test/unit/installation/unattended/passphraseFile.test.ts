import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { checkPassphraseFile, readPassphraseFile } from '../../../../daemon/installation/unattended/passphraseFile.ts';
import type { ErrorCode } from '../../../../protocol/errors.ts';

async function lineOf(file: string): Promise<string> {
  using line = await readPassphraseFile(file);
  return Buffer.from(line.bytes).toString('utf8');
}

async function refusal(file: string, code: ErrorCode): Promise<string> {
  let message = '';
  for (const use of [checkPassphraseFile, readPassphraseFile]) {
    await assert.rejects(
      async () => void (await use(file)),
      (error) => {
        assert.ok(error instanceof Error && 'code' in error);
        assert.equal(error.code, code);
        message = error.message;
        return true;
      },
    );
  }
  return message;
}

describe('passphrase file', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hf-passphrase-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const at = (name: string): string => path.join(folder, name);

  function write(name: string, contents: string | Uint8Array, mode = 0o600): string {
    writeFileSync(at(name), contents, { mode });
    chmodSync(at(name), mode);
    return at(name);
  }

  it('gives its first line without its end, whatever follows', async () => {
    assert.equal(await lineOf(write('a', 'correct horse\nsecond\n')), 'correct horse');
    assert.equal(await lineOf(write('a', 'correct horse\r\n')), 'correct horse');
    assert.equal(await lineOf(write('a', 'no end')), 'no end');
    assert.equal(await lineOf(write('a', `ends\n${'x'.repeat(200_000)}`)), 'ends');
  });

  it('overwrites what it gave once that is disposed of', async () => {
    const line = await readPassphraseFile(write('wiped', 'correct horse'));
    line[Symbol.dispose]();
    assert.deepEqual(
      [...line.bytes],
      Array.from({ length: 13 }, () => 0),
    );
  });

  it('may be a link to a file of ours, and may be read-only', async () => {
    symlinkSync(write('real', 'behind', 0o400), at('link'));
    assert.equal(await lineOf(at('link')), 'behind');
  });

  it('that others may read or write is refused, with the way out', async () => {
    for (const mode of [0o640, 0o604, 0o620, 0o602, 0o644, 0o610]) {
      const message = await refusal(write('open', 'x', mode), 'refusedByRule');
      assert.match(message, /others may read or write it\.$/);
    }
    symlinkSync(at('open'), at('linkToOpen'));
    await refusal(at('linkToOpen'), 'refusedByRule');
  });

  it('that is not there, no file, or a pipe that nobody writes to is told at once', async () => {
    assert.match(await refusal(at('missing'), 'badValue'), /it is not there\.$/);
    mkdirSync(at('folder'), { mode: 0o700 });
    assert.match(await refusal(at('folder'), 'badValue'), /it is no file\.$/);
    assert.equal(spawnSync('mkfifo', ['-m', '600', at('pipe')]).status, 0);
    assert.match(await refusal(at('pipe'), 'badValue'), /it is no file\.$/);
  });

  it('whose first line is empty holds no passphrase', async () => {
    for (const contents of ['', '\n', '\r\nsecond\n']) {
      await assert.rejects(() => readPassphraseFile(write('empty', contents)), { code: 'badValue' });
    }
  });
});
