import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { LogFile } from '../../../daemon/server/logger.ts';

describe('log file', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'hf-log-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('holds one JSON object a line, up to its level, whatever stands in a message', () => {
    const file = path.join(folder, 'daemon.log');
    using log = new LogFile({ path: file, level: 'info', now: () => new Date(0) });
    log.info('one\n{"level":"error"}', { n: 1 });
    log.debug('not shown');
    log.error('two');
    const lines = readFileSync(file, 'utf8').split('\n');
    assert.equal(lines.length, 3);
    assert.deepEqual(JSON.parse(lines[0] ?? ''), {
      time: '1970-01-01T00:00:00.000Z',
      level: 'info',
      message: 'one\n{"level":"error"}',
      facts: { n: 1 },
    });
    assert.deepEqual(JSON.parse(lines[1] ?? ''), { time: '1970-01-01T00:00:00.000Z', level: 'error', message: 'two' });
  });

  it('K6: is readable by its owner alone, also where a file was there before, and after it was rotated', () => {
    const file = path.join(folder, 'daemon.log');
    writeFileSync(file, '', { mode: 0o644 });
    using log = new LogFile({ path: file, maxBytes: 2000, maxFiles: 3 });
    for (let index = 0; index < 200; index += 1) log.info('a line', { index });
    assert.deepEqual(readdirSync(folder).toSorted(), ['daemon.log', 'daemon.log.1', 'daemon.log.2']);
    for (const name of readdirSync(folder)) {
      const facts = statSync(path.join(folder, name));
      assert.equal(facts.mode & 0o777, 0o600, name);
      assert.ok(facts.size <= 2000, name);
    }
    assert.match(readFileSync(file, 'utf8'), /"index":199\}\}\n$/);
  });

  it('K6: shows no secret at the most talkative level', () => {
    const canary = 'canary-7f3a9c51e0';
    const lines: string[] = [];
    using log = new LogFile({ path: path.join(folder, 'daemon.log'), level: 'trace', echo: (line) => lines.push(line) });
    for (const level of ['error', 'warn', 'info', 'debug', 'trace'] as const) {
      log[level]('a message', { passphrase: canary, bytes: Buffer.from(canary), error: new Error(`got "${canary}"`) });
    }
    assert.equal(lines.length, 5);
    assert.ok(![...lines, readFileSync(path.join(folder, 'daemon.log'), 'utf8')].join('').includes(canary));
  });
});
