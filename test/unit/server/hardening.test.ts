import assert from 'node:assert/strict';
import { launchProblems, type ProcessFacts, runInstead } from '../../../daemon/server/hardening.ts';
import { runtimeOptions } from '../../../protocol/daemonLaunch.ts';

describe('hardening', () => {
  it('K1 K3: sees every way in which a process was not launched as a daemon should be', () => {
    const clean: ProcessFacts = { execArgv: runtimeOptions, environment: { NODE_OPTIONS: '' }, coreLimit: '0' };
    assert.deepEqual(launchProblems(clean), []);
    assert.deepEqual(launchProblems({ ...clean, coreLimit: undefined }), [], 'where the system does not tell');
    const unclean: readonly ProcessFacts[] = [
      { ...clean, environment: { NODE_OPTIONS: '--inspect' } },
      { ...clean, environment: { NODE_OPTIONS: '--max-old-space-size=4096' } },
      { ...clean, execArgv: [] },
      { ...clean, execArgv: [...runtimeOptions, '--inspect'] },
      { ...clean, execArgv: [...runtimeOptions, '--heapsnapshot-signal=SIGUSR2'] },
      { ...clean, execArgv: [...runtimeOptions, '--report-on-fatalerror'] },
      { ...clean, coreLimit: 'unlimited' },
      { ...clean, coreLimit: '1024' },
    ];
    for (const facts of unclean) assert.ok(launchProblems(facts).length > 0, JSON.stringify(facts));
  });

  it('says why the process that should run in its place could not be started', async () => {
    const missing = { command: '/no/such/runtime', args: [], environment: {} };
    await assert.rejects(runInstead(missing), {
      code: 'failed',
      message: 'Failed to start the daemon: /no/such/runtime can not be run (ENOENT).',
    });
    assert.equal(await runInstead({ ...missing, command: process.execPath, args: ['-e', 'process.exit(7)'] }), 7);
  });
});
