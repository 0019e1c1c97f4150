import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { readLog } from '../../../daemon/server/logReader.ts';

const line = (message: string): string => `${JSON.stringify({ time: '2026-01-02T03:04:05.678Z', level: 'info', message })}\n`;

describe('log reader', () => {
  let folder = '';
  let path = '';

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-log-'));
    path = join(folder, 'daemon.log');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('gives the newest lines, oldest first, and goes on from its cursor', async () => {
    await writeFile(path, ['a', 'b', 'c'].map(line).join(''));
    const first = await readLog(path, { limit: 2 });
    assert.deepEqual(
      first.items.map((item) => item.message),
      ['b', 'c'],
    );
    assert.deepEqual((await readLog(path, { after: first.cursor })).items, []);
    await appendFile(path, line('d'));
    const second = await readLog(path, { after: first.cursor });
    assert.deepEqual(
      second.items.map((item) => item.message),
      ['d'],
    );
  });

  it('loses nothing when the file is rotated between two reads', async () => {
    await writeFile(path, line('a'));
    const { cursor } = await readLog(path, {});
    await appendFile(path, line('b'));
    await rename(path, `${path}.1`);
    await writeFile(path, line('c'));
    const older = await readLog(path, { after: cursor });
    const newer = await readLog(path, { after: older.cursor });
    assert.deepEqual(
      [...older.items, ...newer.items].map((item) => item.message),
      ['b', 'c'],
    );
  });

  it('waits for the end of a line that is being written, and passes over one that a crash cut', async () => {
    await writeFile(path, `${line('a')}{"time":"20\n${line('b')}{"time"`);
    const { items } = await readLog(path, {});
    assert.deepEqual(
      items.map((item) => item.message),
      ['a', 'b'],
    );
  });

  it('gives nothing where there is no log, and refuses a cursor that is none', async () => {
    assert.deepEqual((await readLog(path, {})).items, []);
    await assert.rejects(readLog(path, { after: 'junk' }), { code: 'badValue' });
  });
});
