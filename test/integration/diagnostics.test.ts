import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as z from 'zod';
import type { Catalog } from '../../daemon/catalog/catalog.ts';
import { openCatalog } from '../../daemon/catalog/openCatalog.ts';
import { diagnosticsCollect } from '../../protocol/methods/diagnostics.ts';
import { policyCreate, usualRunRules, usualSourceRules } from '../../protocol/methods/policies.ts';
import { sessionLock } from '../../protocol/methods/session.ts';
import { unattendedSet } from '../../protocol/methods/unattended.ts';
import { InProcessDaemon } from '../support/inProcessDaemon.ts';

const passphrase = 'canary-passphrase long enough for anybody';
const shape = z.looseObject({
  policies: z.array(z.looseObject({ name: z.string() })).nullable(),
  actions: z.array(z.looseObject({ kind: z.string(), error: z.looseObject({ code: z.string() }).nullable() })),
  locations: z.array(z.looseObject({ name: z.string() })),
  log: z.array(z.unknown()),
  settings: z.looseObject({ unattended: z.string().nullable() }),
});

describe('diagnostics', function () {
  this.timeout(60_000);
  let folder: string;
  let daemon: InProcessDaemon;
  let catalog: Catalog;
  before(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'hf-diagnostics-'));
    const source = path.join(folder, 'canary-folder of mine');
    mkdirSync(source);
    writeFileSync(path.join(source, 'canary-file'), 'canary-content');
    daemon = await InProcessDaemon.start(path.join(folder, 'state'), {
      openCatalog: (file) => {
        catalog = openCatalog(file);
        return catalog;
      },
    });
    await daemon.init(passphrase);
    await daemon.addLocation(path.join(folder, 'canary-store'));
    await daemon.createPolicy(source);
    await daemon.backUp();
    await daemon.call(policyCreate, {
      ...usualSourceRules,
      ...usualRunRules,
      name: 'commands',
      location: 'store',
      exclude: ['canary-pattern'],
      before: { command: 'echo canary-hook; exit 3', timeLimit: 10 },
      sources: [{ kind: 'command', name: 'dump', command: 'echo canary-command >&2; exit 4' }],
    });
    const secretCommand = `printf '%s' '${passphrase}'`;
    await daemon.call(unattendedSet, { source: { kind: 'command', command: secretCommand } });
    // A run that fails: its error and its log lines are part of what is collected.
    assert.equal((await daemon.ended(await daemon.startBackup('commands'))).state, 'failed');
  });
  after(async () => {
    await daemon[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  async function collected(withPaths: boolean): Promise<{ readonly text: string; readonly document: z.infer<typeof shape> }> {
    const { document } = await daemon.call(diagnosticsCollect, { withPaths });
    return { text: JSON.stringify(document), document: shape.parse(document) };
  }

  it('K3 K6: hold what helps, and no secret, no path and no command line', async () => {
    const { text, document } = await collected(false);
    assert.ok(!text.includes('canary'), /.{0,200}canary.{0,100}/.exec(text)?.[0]);
    assert.ok(!text.includes(folder) && !text.includes(os.homedir() === '/' ? folder : `${os.homedir()}/`));
    assert.deepEqual(
      document.policies?.map(({ name }) => name),
      ['commands', 'files'],
    );
    assert.deepEqual(
      document.actions.map(({ kind, error }) => [kind, error?.code === undefined]),
      [
        ['backup', false],
        ['backup', true],
      ],
    );
    assert.equal(document.settings.unattended, 'command');
  });

  it('K6: with paths name folders, and still no secret and no command line', async () => {
    const { text } = await collected(true);
    for (const named of ['canary-folder', 'canary-store', 'canary-pattern']) assert.ok(text.includes(named), named);
    for (const secret of ['canary-hook', 'canary-command', 'canary-passphrase', 'canary-content'])
      assert.ok(!text.includes(secret), secret);
  });

  it('M1: name a policy whose definition can not be read, and hold the rest all the same', async () => {
    const { policyId } = catalog.policies.list().find(({ name }) => name === 'files') ?? assert.fail('there is such a policy');
    catalog.policies.change(policyId, { definition: { sources: 'what?' } });
    const { document } = await collected(false);
    assert.deepEqual(
      document.policies?.map(({ name, isReadable = true }) => [name, isReadable]),
      [
        ['commands', true],
        ['files', false],
      ],
    );
  });

  it('while locked leave out what is sealed', async () => {
    await daemon.call(sessionLock, {});
    const { text, document } = await collected(true);
    assert.equal(document.policies, null);
    for (const secret of ['canary-folder', 'canary-hook', 'canary-command', 'canary-passphrase']) assert.ok(!text.includes(secret), secret);
    assert.equal(document.locations.length, 1);
  });
});
