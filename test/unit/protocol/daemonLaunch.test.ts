import assert from 'node:assert/strict';
import { daemonEnvironment, launchCommand, launchedFlag } from '../../../protocol/daemonLaunch.ts';

describe('launch', () => {
  it('keeps credentials and proxies, and leaves out what belongs to editors, npm, debuggers and the caller', () => {
    const kept = {
      HOME: '/home/u',
      AWS_PROFILE: 'p',
      AWS_SECRET_ACCESS_KEY: 's',
      VAULT_ADDR: 'v',
      https_proxy: 'x',
      NO_PROXY: 'y',
      NODE_EXTRA_CA_CERTS: '/ca.pem',
      XDG_RUNTIME_DIR: '/run/user/1',
    };
    const dropped = {
      NODE_OPTIONS: '--inspect',
      NODE_DEBUG: 'http',
      VSCODE_IPC_HOOK_CLI: 'x',
      ELECTRON_RUN_AS_NODE: '1',
      BROWSER: 'x',
      npm_config__authToken: 't',
      INIT_CWD: '/x',
      HOLDFAST_STEP_UP_FILE: '/p',
      GIT_ASKPASS: 'x',
      GONE: undefined,
    };
    const PATH = '/usr/bin:/home/u/.vscode-server/bin/1/bin/remote-cli:/bin';
    assert.deepEqual(daemonEnvironment({ ...kept, ...dropped, PATH }), { ...kept, PATH: '/usr/bin:/bin' });
  });

  it('K1 K3: starts the runtime without debugger signal and core files, with the arguments as they are', () => {
    const request = {
      platform: 'linux' as const,
      runtimePath: '/opt/a runtime/node',
      isElectron: true,
      entryPath: "/it's/main.js",
      args: ['--state', '/a b/$(c)'],
      environment: { NODE_OPTIONS: '--inspect' },
    };
    const { command, args, environment } = launchCommand(request);
    assert.equal(command, '/bin/sh');
    assert.deepEqual(args.slice(0, 3), ['-c', 'ulimit -c 0; exec "$@"', 'holdfast']);
    assert.equal(args[3], request.runtimePath);
    assert.ok(args.includes('--disable-sigusr1'));
    assert.deepEqual(args.slice(-4), [request.entryPath, ...request.args, launchedFlag]);
    assert.equal(environment['ELECTRON_RUN_AS_NODE'], '1');
    assert.equal(environment['NODE_OPTIONS'], undefined);
    assert.equal(launchCommand({ ...request, platform: 'win32' }).command, request.runtimePath);
  });

  it('has the allocator of Linux give memory back, unless the caller set it otherwise', () => {
    const request = { runtimePath: '/node', isElectron: false, entryPath: '/main.js', args: [], environment: { MALLOC_ARENA_MAX: '9' } };
    assert.deepEqual(launchCommand({ ...request, platform: 'linux' }).environment, {
      MALLOC_ARENA_MAX: '9',
      MALLOC_MMAP_THRESHOLD_: '262144',
    });
    assert.deepEqual(launchCommand({ ...request, platform: 'darwin' }).environment, { MALLOC_ARENA_MAX: '9' });
  });
});
