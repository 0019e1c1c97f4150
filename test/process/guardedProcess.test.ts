import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { goneWithin, isAlive } from '../support/processes.ts';
import { GuardedProcess } from '../support/servers/guardedProcess.ts';

const options = { cwd: process.cwd(), env: { PATH: process.env['PATH'] ?? '' } };
const waiting = ['-c', 'echo ready >&2; while true; do sleep 1; done'];
const limit = 5000;

describe('guarded process', () => {
  it('does not outlive the process that started it, even where that is killed, nor does what it wrote', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'hf-guarded-'));
    await writeFile(path.join(folder, 'state'), 'x');
    const script = path.join(import.meta.dirname, '..', 'support', 'servers', 'guardedChild.ts');
    const parent = spawn(process.execPath, [script, folder, '/bin/sleep', '1000'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = await once(createInterface({ input: parent.stdout }), 'line');
    const pid = Number(line);
    assert.ok(isAlive(pid));
    const ended = once(parent, 'exit');
    parent.kill('SIGKILL');
    await ended;
    assert.ok(await goneWithin(pid, limit));
    const end = performance.now() + limit;
    while (existsSync(folder) && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.ok(!existsSync(folder));
  });

  it('is ended by its id, by force where it does not go by itself', async () => {
    const willing = await GuardedProcess.start('/bin/sh', waiting, options);
    await willing.end(limit);
    assert.ok(!willing.isRunning && (await goneWithin(willing.pid, limit)));
    await using stubborn = await GuardedProcess.start('/bin/sh', ['-c', `trap "" TERM; ${waiting[1]}`], options);
    await stubborn.end(200);
    assert.ok(!stubborn.isRunning && (await goneWithin(stubborn.pid, limit)));
  });

  it('tells what a program said that ended at once', async () => {
    const failed = await GuardedProcess.start('/bin/sh', ['-c', 'echo no port >&2; exit 3'], options);
    assert.ok(await goneWithin(failed.pid, limit));
    await failed.end(0);
    assert.match(failed.output, /no port/);
  });
});
