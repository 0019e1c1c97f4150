import assert from 'node:assert/strict';
import type { CommandEnd, CommandRequest } from '../../../daemon/commands/runCommand.ts';
import { type HookedEnd, RunHooks } from '../../../daemon/policies/runHooks.ts';
import type { RunProgress } from '../../../daemon/actions/progress.ts';
import type { WorkResult } from '../../../daemon/actions/actionQueue.ts';
import { HoldfastError } from '../../../protocol/errors.ts';

const well: CommandEnd = { exitStatus: 0, signal: null, bytes: 0, seconds: 1.23456, standardError: 'said', problem: null };
const done: WorkResult = { outcome: 'complete', document: { restorePointId: 'an-id' } };
const before = { command: 'stop', timeLimit: 60 };
const after = { command: 'start', timeLimit: 90 };

/** Hooks whose commands end as `ends` says, and all that happened, in order. */
class HooksBench {
  readonly happened: string[] = [];
  readonly requests: CommandRequest[] = [];
  readonly progress: RunProgress[] = [];
  readonly stop: AbortController = new AbortController();
  readonly hooks: RunHooks;

  constructor(
    policy: { readonly before: typeof before | null; readonly after: typeof after | null } = { before, after },
    ends: Readonly<Record<string, (request: CommandRequest) => Partial<CommandEnd>>> = {},
  ) {
    const run = { actionId: 'x', signal: this.stop.signal, report: (progress: RunProgress) => void this.progress.push(progress) };
    this.hooks = new RunHooks({ name: 'work', policyId: 'policy-id', ...policy }, run, async (request) => {
      this.happened.push(request.command);
      this.requests.push(request);
      return { ...well, ...ends[request.command]?.(request) };
    });
  }

  around(work: () => Promise<WorkResult> = async () => done): Promise<HookedEnd> {
    return this.hooks.around(async () => {
      this.happened.push('work');
      return await work();
    });
  }
}

const errorOf = (end: HookedEnd): unknown => ('error' in end ? end.error : undefined);
const failing = (): Partial<CommandEnd> => ({ exitStatus: 2, problem: 'it ended with status 2' });

describe('commands before and after a run', () => {
  it('run in order, and know which run of what they are for and how it ended', async () => {
    const bench = new HooksBench();
    assert.deepEqual(await bench.around(), { result: done });
    assert.deepEqual(bench.happened, ['stop', 'work', 'start']);
    const own = { HOLDFAST_POLICY: 'work', HOLDFAST_POLICY_ID: 'policy-id' };
    assert.deepEqual(
      bench.requests.map(({ environment, timeLimit, output }) => ({ environment, timeLimit, output })),
      [
        { environment: { ...own, HOLDFAST_HOOK: 'before' }, timeLimit: 60, output: undefined },
        {
          environment: { ...own, HOLDFAST_HOOK: 'after', HOLDFAST_OUTCOME: 'complete', HOLDFAST_RESTORE_POINT_ID: 'an-id' },
          timeLimit: 90,
          output: undefined,
        },
      ],
    );
    const report = { exitStatus: 0, signal: null, seconds: 1.235, standardError: 'said', problem: null };
    assert.deepEqual(bench.hooks.reports, { before: report, after: report });
  });

  it('are left out where there are none', async () => {
    const bench = new HooksBench({ before: null, after: null });
    assert.deepEqual(await bench.around(), { result: done });
    assert.deepEqual([bench.happened, bench.hooks.reports, bench.progress], [['work'], { before: null, after: null }, []]);
  });

  it('stop the run where the one before it fails, and the one after it runs all the same', async () => {
    const bench = new HooksBench(undefined, { stop: failing });
    const error = errorOf(await bench.around());
    assert.ok(HoldfastError.is(error, 'hookFailed'));
    assert.equal(error.message, 'Failed to back up work: the command before the run failed: it ended with status 2.');
    assert.deepEqual(bench.happened, ['stop', 'start']);
    assert.equal(bench.requests[1]?.environment?.['HOLDFAST_OUTCOME'], 'failed');
    assert.equal(bench.requests[1]?.environment?.['HOLDFAST_RESTORE_POINT_ID'], '');
  });

  it('run after a run that failed, whose error stays', async () => {
    const bench = new HooksBench();
    const full = new HoldfastError('storeFull', 'Failed to back up: the disk is full.');
    assert.equal(
      errorOf(
        await bench.around(async () => {
          throw full;
        }),
      ),
      full,
    );
    assert.equal(bench.requests[1]?.environment?.['HOLDFAST_OUTCOME'], 'failed');
  });

  it('run after a run that was cancelled, with a signal and a short time of their own', async () => {
    const bench = new HooksBench({ before: null, after }, { start: ({ signal }) => ({ standardError: String(signal.aborted) }) });
    const reason = new HoldfastError('cancelled', 'Cancelled.');
    const end = await bench.around(async () => {
      bench.stop.abort(reason);
      throw reason;
    });
    assert.equal(errorOf(end), reason);
    assert.equal(bench.requests[0]?.environment?.['HOLDFAST_OUTCOME'], 'cancelled');
    assert.equal(bench.requests[0]?.timeLimit, 30);
    assert.equal(bench.hooks.reports.after?.standardError, 'false');
  });

  it('end a run as cancelled where that came while the one before it ran', async () => {
    const reason = new HoldfastError('cancelled', 'Cancelled.');
    const bench: HooksBench = new HooksBench(undefined, {
      stop: () => {
        bench.stop.abort(reason);
        return { exitStatus: null, signal: 'SIGTERM', problem: 'it was cancelled' };
      },
    });
    assert.equal(errorOf(await bench.around()), reason);
    assert.deepEqual(bench.happened, ['stop', 'start']);
    assert.equal(bench.requests[1]?.environment?.['HOLDFAST_OUTCOME'], 'cancelled');
  });

  it('hand the signal of the run to the one after it as long as that was not used', async () => {
    const bench = new HooksBench();
    await bench.around();
    assert.equal(bench.requests[1]?.signal, bench.stop.signal);
  });

  it('say by the phase of the run that they are under way, and what was counted before stays', async () => {
    const bench = new HooksBench();
    await bench.hooks.around(async (run) => {
      run.report({ phase: 'committing', files: 3, bytes: 4, totalFiles: 3, totalBytes: 4 });
      return done;
    });
    assert.deepEqual(
      bench.progress.map(({ phase, files, totalFiles }) => [phase, files, totalFiles]),
      [
        ['hook before', 0, null],
        ['committing', 3, 3],
        ['hook after', 3, null],
      ],
    );
  });
});
