import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type CommandEnd, type CommandRequest, runCommand, standardErrorKept } from '../../daemon/commands/runCommand.ts';
import { goneWithin, isAlive } from '../support/processes.ts';
import { writtenLines } from '../support/writtenLines.ts';

/** The process ids that a command wrote, one a line, once there are so many. */
async function pidsIn(file: string, count: number): Promise<readonly number[]> {
  return (await writtenLines(file, count)).map(Number);
}

async function gone(pids: readonly number[]): Promise<void> {
  for (const pid of pids) assert.ok(await goneWithin(pid, 5000), `process ${pid} is still there`);
}

describe('commands of the user', function () {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'hf-'));
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const run = (command: string, changes: Partial<CommandRequest> = {}): Promise<CommandEnd> =>
    runCommand({ command, timeLimit: 60, signal: new AbortController().signal, environment: { FOLDER: folder }, ...changes });

  const collected = async (command: string, changes: Partial<CommandRequest> = {}): Promise<CommandEnd & { readonly output: Buffer }> => {
    const parts: Uint8Array[] = [];
    const end = await run(command, {
      output: (piece) => {
        parts.push(piece);
        return undefined;
      },
      ...changes,
    });
    return { ...end, output: Buffer.concat(parts) };
  };

  it('gives standard output byte for byte, and the status, the bytes and standard error beside it', async () => {
    const end = await collected('printf "a\\000\\377b"; echo warned >&2');
    assert.deepEqual([...end.output], [0x61, 0, 0xff, 0x62]);
    assert.deepEqual(
      { exitStatus: end.exitStatus, signal: end.signal, bytes: end.bytes, standardError: end.standardError, problem: end.problem },
      { exitStatus: 0, signal: null, bytes: 4, standardError: 'warned\n', problem: null },
    );
  });

  it('takes an output of no bytes for an output', async () => {
    const end = await collected('true');
    assert.deepEqual([end.output.length, end.bytes, end.problem], [0, 0, null]);
  });

  it("runs in the home folder, with nothing on standard input and an environment without what is the daemon's own", async () => {
    process.env['HOLDFAST_SECRET_FILE'] = 'x';
    process.env['NODE_OPTIONS'] = '--no-warnings';
    try {
      const end = await collected('pwd -P; cat; env', { environment: { ADDED: 'here' } });
      const lines = end.output.toString().split('\n');
      assert.equal(lines[0], homedir());
      assert.ok(lines.includes('ADDED=here'));
      assert.deepEqual(
        lines.filter((line) => /^(HOLDFAST_|NODE_OPTIONS)/.test(line)),
        [],
      );
    } finally {
      delete process.env['HOLDFAST_SECRET_FILE'];
      delete process.env['NODE_OPTIONS'];
    }
  });

  it('names a status other than 0, and keeps what was said', async () => {
    const end = await collected('echo half; echo "no such database" >&2; exit 3');
    assert.deepEqual(
      [end.exitStatus, end.signal, end.problem, end.standardError],
      [3, null, 'it ended with status 3', 'no such database\n'],
    );
  });

  it('names the signal that ended it', async () => {
    const end = await collected('kill -SEGV $$');
    assert.deepEqual([end.exitStatus, end.signal, end.problem], [null, 'SIGSEGV', 'it was ended by SIGSEGV']);
  });

  it('says that a shell did not find the program', async () => {
    const end = await run('no-such-program-of-anybody');
    assert.equal(end.exitStatus, 127);
    assert.match(end.standardError, /not found/);
  });

  it('names a command that is too long to be started', async () => {
    const end = await run(`true ${'x'.repeat(4 * 1024 * 1024)}`);
    assert.match(end.problem ?? '', /^it could not be started \(E2BIG\)$/);
    assert.equal(end.exitStatus, null);
  });

  it('waits for the end of a command that closes its output early', async () => {
    const end = await collected(
      'echo all; exec >&-; while [ ! -e "$FOLDER/go" ]; do [ -e "$FOLDER/closed" ] || { touch "$FOLDER/closed"; (sleep 0.05; touch "$FOLDER/go") & }; done; exit 4',
    );
    assert.deepEqual([end.output.toString(), end.problem], ['all\n', 'it ended with status 4']);
  });

  it('hands over no piece before the one before it was taken, however much is printed', async () => {
    let open = 0;
    let most = 0;
    let total = 0;
    const end = await run('head -c 20000000 /dev/zero', {
      output: async (piece) => {
        open += 1;
        most = Math.max(most, open);
        await delay(0);
        total += piece.length;
        open -= 1;
      },
    });
    assert.deepEqual([most, total, end.bytes, end.problem], [1, 20_000_000, 20_000_000, null]);
  });

  it('ends the command whose output nobody takes any more, and passes the reason on', async () => {
    const pids = pidsIn(path.join(folder, 'pid'), 1);
    await assert.rejects(
      run('echo $$ > "$FOLDER/pid"; yes', {
        output: async () => {
          await pids;
          throw new Error('the disk is full');
        },
      }),
      /the disk is full/,
    );
    await gone(await pids);
  });

  it('ends the whole group within a second when it is cancelled, also what ignores SIGTERM', async () => {
    const stop = new AbortController();
    const command =
      'trap "" TERM; (trap "" TERM; sh -c \'echo $$ >> "$FOLDER/pid"; exec sleep 1000\') & echo $$ >> "$FOLDER/pid"; while :; do sleep 1000; done';
    const ended = collected(command, { signal: stop.signal });
    const pids = await pidsIn(path.join(folder, 'pid'), 2);
    stop.abort();
    const end = await ended;
    assert.deepEqual([end.exitStatus, end.signal, end.problem], [null, 'SIGKILL', 'it was cancelled']);
    await gone(pids);
  });

  it('lets a command end itself in order when it is asked to', async () => {
    const stop = new AbortController();
    const ended = run('trap "echo bye >&2; exit 9" TERM; touch "$FOLDER/there"; while :; do sleep 0.01; done', { signal: stop.signal });
    await writtenLines(path.join(folder, 'there'), 0);
    stop.abort();
    const end = await ended;
    assert.deepEqual([end.exitStatus, end.problem], [9, 'it was cancelled']);
    assert.match(end.standardError, /bye\n$/);
  });

  it('starts nothing where it is cancelled already', async () => {
    const end = await run('touch "$FOLDER/there"', { signal: AbortSignal.abort() });
    assert.deepEqual([end.problem, existsSync(path.join(folder, 'there'))], ['it was cancelled', false]);
  });

  it('ends a command that takes longer than its limit, with all that it started', async () => {
    const ended = collected('sleep 1000 & echo $! > "$FOLDER/pid"; wait', { timeLimit: 0.2 });
    const pids = await pidsIn(path.join(folder, 'pid'), 1);
    assert.equal((await ended).problem, 'it took longer than 0.2 s');
    await gone(pids);
  });

  it('does not take an output for whole that a process in the background keeps open, and ends that process', async () => {
    const end = await collected('sleep 1000 & echo $! > "$FOLDER/pid"; echo done', { heldOutputTime: 50 });
    assert.deepEqual([end.exitStatus, end.problem], [0, 'a process that it left behind kept its output open']);
    await gone(await pidsIn(path.join(folder, 'pid'), 1));
  });

  it('takes what a process in the background still prints after the end of the command', async () => {
    const end = await collected(
      '(while [ ! -e "$FOLDER/go" ]; do :; done; echo late) & (sleep 0.05; touch "$FOLDER/go") > /dev/null 2>&1 & echo early',
    );
    assert.deepEqual([end.output.toString(), end.problem], ['early\nlate\n', null]);
  });

  it('does not wait for what a command without an output of interest leaves running', async () => {
    const end = await run('sleep 1000 & echo $! > "$FOLDER/pid"; echo ready >&2');
    assert.deepEqual([end.problem, end.standardError], [null, 'ready\n']);
    const [pid = 0] = await pidsIn(path.join(folder, 'pid'), 1);
    assert.ok(isAlive(pid));
    process.kill(pid);
    await gone([pid]);
  });

  it('keeps the end of a standard error without end in bounded memory', async () => {
    const before = process.memoryUsage().arrayBuffers;
    const end = await collected('yes "ä" >&2', { timeLimit: 0.4 });
    assert.equal(end.problem, 'it took longer than 0.4 s');
    assert.match(end.standardError, /^…/);
    assert.doesNotMatch(end.standardError, /\ufffd/);
    assert.ok(Buffer.byteLength(end.standardError) <= standardErrorKept + 3);
    assert.ok(process.memoryUsage().arrayBuffers - before < 64 * 1024 * 1024);
  });

  it('reads standard output while standard error is full', async () => {
    const end = await collected('head -c 3000000 /dev/zero >&2; echo end');
    assert.deepEqual([end.output.toString(), end.problem], ['end\n', null]);
  });
});
