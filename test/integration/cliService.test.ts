import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import type { CliOptions } from '../support/cli.ts';
import { refused } from '../support/cliExpect.ts';
import { serviceDocument, type ServiceDocument, statusDocument, unattendedDocument } from '../support/cliShapes.ts';
import { endDaemons, ScratchState } from '../support/daemon.ts';

const fakeSystemctl = path.join(path.dirname(import.meta.dirname), 'support', 'fakeSystemctl.mjs');

/** A home folder of its own, with a systemd that a script plays. */
class ServiceScratch extends ScratchState {
  readonly home: string = this.makeFolder('home of "ann" 100%');
  readonly bin: string = this.makeFolder('bin');
  readonly fake: string = path.join(this.folder, 'fake');

  constructor() {
    super();
    symlinkSync(process.execPath, path.join(this.bin, 'node'));
    writeFileSync(path.join(this.bin, 'systemctl'), `#!/bin/sh\nexec "${process.execPath}" "${fakeSystemctl}" "$@"\n`);
    writeFileSync(path.join(this.bin, 'loginctl'), '#!/bin/sh\necho Linger=no\n');
    for (const name of ['systemctl', 'loginctl']) chmodSync(path.join(this.bin, name), 0o755);
  }

  options(more: NodeJS.ProcessEnv = {}): CliOptions {
    const search = `${this.bin}:${process.env['PATH'] ?? ''}`;
    return { env: { HOME: this.home, PATH: search, FAKE_SYSTEMD: this.fake, XDG_CONFIG_HOME: undefined, ...more } };
  }

  service(verb: 'install' | 'uninstall' | 'status', more: NodeJS.ProcessEnv = {}, flags: readonly string[] = []): Promise<ServiceDocument> {
    return this.json(serviceDocument, ['service', verb, ...flags], this.options(more));
  }

  unit(document: ServiceDocument): string {
    return readFileSync(document.path, 'utf8');
  }
}

describe('holdfast: the service of the system', function () {
  this.timeout(120_000);
  if (process.platform !== 'linux') return;

  it('is installed, takes over from the daemon that runs, starts from the daemon’s own copy, and is removed with all data left', async () => {
    await using scratch = new ServiceScratch();
    const store = await scratch.setUp();
    await scratch.json(unattendedDocument, ['unattended', 'passphrase-file', scratch.passphraseFile], scratch.options());
    const before = await scratch.json(statusDocument, ['status']);
    assert.deepEqual(
      [(await scratch.service('status')).installed, (await scratch.service('status')).running, existsSync(scratch.fake)],
      [false, false, true],
    );

    const installed = await scratch.service('install', {}, ['--writable', '/srv/one', '--writable', '/srv/two']);
    assert.deepEqual(
      [installed.kind, installed.installed, installed.enabled, installed.running, installed.confined, installed.lingers, installed.problem],
      ['systemd', true, true, true, true, false, null],
    );
    assert.equal(path.dirname(installed.path), path.join(scratch.home, '.config', 'systemd', 'user'));
    const unit = scratch.unit(installed);
    for (const line of ['LimitCORE=0', 'NoNewPrivileges=yes', 'MemorySwapMax=0', 'ProtectSystem=strict', 'Restart=on-failure'])
      assert.ok(unit.includes(`\n${line}\n`), line);
    for (const folder of [scratch.home.replaceAll('"', '\\"').replaceAll('%', '%%'), scratch.state, store, '/srv/one', '/srv/two'])
      assert.ok(unit.includes(` "-${folder}"`), folder);
    const program = installed.program ?? '';
    assert.ok(program.startsWith(path.join(scratch.state, 'programs')), program);

    const after = await scratch.json(statusDocument, ['status']);
    assert.equal(after.state, 'unlocked', 'it unlocks itself');
    assert.notEqual(after.pid, before.pid);
    const endpoint = z
      .looseObject({ entryPath: z.string() })
      .parse(JSON.parse(readFileSync(path.join(scratch.state, 'endpoint.json'), 'utf8')));
    assert.equal(endpoint.entryPath, program);

    const again = await scratch.service('install');
    assert.equal(again.running, true);
    assert.ok(!scratch.unit(again).includes('/srv/one'));

    const removed = await scratch.service('uninstall');
    assert.deepEqual([removed.installed, removed.enabled, removed.running, removed.program], [false, false, false, null]);
    assert.equal(existsSync(installed.path), false);
    assert.equal((await scratch.json(statusDocument, ['status'])).state, 'notRunning');
    assert.ok(existsSync(path.join(scratch.state, 'catalog.db')) && existsSync(store));
    const twice = await scratch.json(z.looseObject({ uninstalled: z.boolean() }), ['service', 'uninstall'], scratch.options());
    assert.equal(twice.uninstalled, false);
  });

  it('is written without what confines it where the system can not do that; says so; and says when its program is gone', async () => {
    await using scratch = new ServiceScratch();
    const installed = await scratch.service('install', { FAKE_SYSTEMD_NO_NAMESPACES: '1' });
    assert.deepEqual([installed.running, installed.confined], [true, false]);
    assert.ok(!scratch.unit(installed).includes('ProtectSystem'));
    assert.equal((await scratch.json(statusDocument, ['status'])).state, 'notSetUp', 'a service may come before the set-up');
    assert.equal((await scratch.cli(['stop'])).status, 0);
    rmSync(path.join(scratch.state, 'programs'), { recursive: true });
    mkdirSync(path.join(scratch.state, 'programs'));
    writeFileSync(path.join(scratch.state, 'programs', 'service'), `${installed.program}\n${process.execPath}\nfree\n`);
    const gone = await scratch.service('status');
    assert.equal(gone.problem, `The service can not run: ${installed.program} is not there any more.`);
    const text = await scratch.cli(['service', 'status'], scratch.options());
    assert.match(text.stdout, /Install it anew with holdfast service install\./);
    await endDaemons(scratch.folder);
  });

  it('is refused with a way out where no manager of services can be reached; the daemon goes on, and nothing is written', async () => {
    await using scratch = new ServiceScratch();
    await scratch.setUp();
    const before = await scratch.json(statusDocument, ['status']);
    const error = await refused(scratch, ['service', 'install'], 1, 'failed', scratch.options({ FAKE_SYSTEMD_UNREACHABLE: '1' }));
    assert.match(error.message, /^Failed to run systemctl --user show .*: Failed to connect to bus: No medium found\.$/);
    const after = await scratch.json(statusDocument, ['status']);
    assert.deepEqual([after.state, after.pid], ['unlocked', before.pid]);
    assert.equal(existsSync(path.join(scratch.home, '.config')), false);
  });
});
