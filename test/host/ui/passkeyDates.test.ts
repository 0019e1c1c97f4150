import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as z from 'zod';
import { type Passkey, passkeyGate, passkeyList } from '../../../protocol/methods/passkeys.ts';
import { type InitKey, sessionLock } from '../../../protocol/methods/session.ts';
import { minuteOf } from '../../../protocol/wording.ts';
import type { BucketDaemon } from '../../support/bucketDaemon.ts';
import { serviceKeyDaemon } from '../../support/serviceKeyDaemon.ts';
import { KmsWireServer } from '../../support/servers/kmsWire.ts';
import { sharedOpenBao } from '../../support/servers/sharedServers.ts';
import { eventually } from './eventually.ts';
import { hostForSuite, type ThemeKind } from './host.ts';
import type { TreeView } from './pages/treeView.ts';
import type { Workbench } from './workbench.ts';

const hours = 3_600_000;
/** In leaps like these the locks of what is kept are extended in time. */
const leapHours = 48;
/** Real processes ask real servers. */
const workLimit = 60_000;
const kinds: readonly ThemeKind[] = ['light', 'dark', 'highContrast'];

/** A key outside, and what has become of it. */
interface KeyOutside {
  readonly key: InitKey;
  readonly environment: Readonly<Record<string, string>>;
  /** What ends it. */
  readonly command: RegExp;
  readonly isEnded: () => Promise<boolean>;
}

async function kmsKey(_context: Mocha.Context, ending: AsyncDisposableStack): Promise<KeyOutside> {
  const wire = ending.use(await KmsWireServer.start());
  const { id } = wire.createKey();
  wire.aliases.set('alias/dated', id);
  return {
    key: {
      target: { kind: 'awsKms', keyId: 'alias/dated', region: wire.region },
      access: { kind: 'awsKms', endpoint: wire.endpoint, credentials: { source: 'chain' } },
    },
    environment: { AWS_ACCESS_KEY_ID: 'AKIADATED', AWS_SECRET_ACCESS_KEY: 'of-the-test' },
    command: /aws kms schedule-key-deletion .*--pending-window-in-days 30/,
    isEnded: () => Promise.resolve(wire.keys.get(id)?.state === 'PendingDeletion'),
  };
}

async function vaultKey(context: Mocha.Context, ending: AsyncDisposableStack): Promise<KeyOutside> {
  const vault = await sharedOpenBao(context);
  await vault.createKey('dated');
  const folder = mkdtempSync(path.join(tmpdir(), 'hf-token-'));
  ending.defer(() => rmSync(folder, { recursive: true }));
  const tokenFile = path.join(folder, 'token');
  writeFileSync(tokenFile, vault.rootToken, { mode: 0o600 });
  const minimum = z.object({ data: z.object({ min_decryption_version: z.int() }) });
  return {
    key: {
      target: { kind: 'vaultTransit', address: vault.address, namespace: null, mount: 'transit', key: 'dated' },
      access: { kind: 'vaultTransit', login: { method: 'tokenFile', tokenFile }, caFile: null },
    },
    environment: {},
    command: /vault write .* transit\/keys\/dated\/config min_decryption_version=2/,
    isEnded: async () => minimum.parse((await vault.send('GET', 'transit/keys/dated')).body).data.min_decryption_version === 2,
  };
}

for (const [kind, keyAt] of [
  ['Vault', vaultKey],
  ['KMS', kmsKey],
] as const) {
  /** The window looks at a daemon in this process, whose time the test moves. Each test goes on where the one before ended. */
  describe(`D1 D2: the date of the gate in the workbench, of a key at ${kind}`, () => {
    const host = hostForSuite();
    const ending = new AsyncDisposableStack();
    let outside: KeyOutside;
    let world: BucketDaemon;
    let workbench: Workbench;
    let keys: TreeView;
    let point: string;
    let old: string;
    let from: string;

    const passkeyOf = async (name: string): Promise<Passkey> =>
      (await world.daemon.call(passkeyList, {})).items.find((passkey) => passkey.name === name) ?? assert.fail(`no passkey ${name}`);
    const hoursLeft = (): number => (Date.parse(from) - world.clock.storeMs) / hours;
    /** The store's time goes on; the machine's clock stays by that of the window, which no test moves. */
    const pass = async (count: number): Promise<void> => {
      await world.pass(count, leapHours);
      world.clock.skewMs = Date.now() - world.clock.storeMs - hours;
      await world.pass(1);
    };
    const retire = async (): Promise<void> => {
      await workbench.runCommand('holdfast.retirePasskey');
      await workbench.quickPick.choose(/^first@/);
    };
    const typeName = async (): Promise<void> => {
      await workbench.inputBox.waitFor('Retire Passkey');
      await workbench.inputBox.enter(old);
    };
    const inEachTheme = async (name: string): Promise<void> => {
      await eventually(async () => assert.deepEqual(await workbench.notifications.texts(), []));
      for (const theme of kind === 'Vault' ? kinds : []) {
        await host.useTheme(workbench, theme);
        await workbench.screenshot(`${name}-${theme}`, { forDocs: true });
      }
      await workbench.screenshot(`${name}-${kind}`);
    };

    before(async function (this: Mocha.Context) {
      this.timeout(120_000);
      outside = await keyAt(this, ending);
      const { key, environment } = outside;
      world = ending.use(await serviceKeyDaemon({ key, environment, start: new Date().toISOString() }));
      point = await world.backUp();
      ending.use((await world.daemon.serve(world.state)) ?? assert.fail());
      workbench = await host.openWindow({ height: 860, settings: { 'holdfast.stateDirectory': world.state } });
      await workbench.openContainer();
      for (const other of ['Restore Points', 'Policies', 'Locations', 'Alerts'] as const) await workbench.view(other).collapse();
      keys = workbench.view('Passkeys');
      await keys.expand();
      await workbench.widenSideBar(800);
    });

    after(async () => await ending.disposeAsync());

    it('no date is told before somebody has asked for the retirement', async () => {
      const { quickPick } = workbench;
      await (await keys.row('first').openMenu()).choose('Rotate Passkey…');
      await quickPick.choose('Rotate Now');
      await quickPick.choose('Leave That as It Is');
      await quickPick.option(/^first@\S+ can not be retired yet/).waitFor({ timeout: workLimit });
      await quickPick.choose('Done');
      await world.idle();
      old = (await world.daemon.call(passkeyList, {})).items.find(({ inUse }) => !inUse)?.name ?? assert.fail();
      assert.doesNotMatch(await keys.row(old).description(), /can be retired/);
    });

    it('asking for it is refused with the date, which the row tells from then on', async () => {
      const { dialog } = workbench;
      await retire();
      await typeName();
      assert.match(await dialog.message(), /Begin to retire the passkey first@/);
      await dialog.press('Begin to Retire');
      await eventually(async () => assert.match(await dialog.message(), /what is locked needs/), workLimit);
      const gate = await world.daemon.call(passkeyGate, { passkey: old });
      from = gate.from ?? assert.fail('there is no date');
      assert.ok(hoursLeft() > 6 * 24, `${hoursLeft()} hours`);
      assert.ok((await dialog.message()).includes(`until ${minuteOf(from)}`), await dialog.message());
      assert.match(await dialog.detail(), /can be retired from \d{4}-\d\d-\d\d \d\d:\d\d on\.[^]*is locked and holds it, until \d{4}-/);
      await eventually(async () =>
        assert.match(await keys.row(old).description(), /can be retired from \d{4}-\d\d-\d\d · New keyrings leave it out/),
      );
      await inEachTheme('retire-refused');
      await dialog.press('Copy');
      await eventually(async () => assert.match(await workbench.clipboard(), /^Failed to retire[^]*can be retired from \d{4}-/));
    });

    it('is refused with the same date half a day before it, and nobody types a name for that', async () => {
      const { dialog } = workbench;
      await pass(hoursLeft() - 12);
      await retire();
      assert.match(await dialog.message(), /^first@\S+ can be retired from \d{4}-\d\d-\d\d \d\d:\d\d on\.$/);
      assert.match(await dialog.detail(), /is locked and holds it/);
      await dialog.press('Cancel');
      const gate = await world.daemon.call(passkeyGate, { passkey: old });
      assert.deepEqual([gate.allowed, gate.from], [false, from]);
      assert.deepEqual([(await passkeyOf(old)).state, await outside.isEnded()], ['ready', false]);
    });

    it('goes by the same command once the time of the store has passed it, and its key outside ends', async () => {
      const { quickPick, dialog } = workbench;
      await pass(24);
      assert.ok(hoursLeft() < 0);
      await eventually(async () => assert.match(await keys.row(old).description(), /can be retired(?! from)/));
      await retire();
      await quickPick.waitFor(/^Retire Passkey first@/);
      await quickPick.choose('It Ends Too');
      await typeName();
      assert.match(await dialog.message(), /Retire the passkey first@\S+\?/);
      assert.match(await dialog.detail(), outside.command);
      assert.match(await dialog.detail(), /What opens the backups then: first\.\s+Only that one would be left/);
      await inEachTheme('retire-allowed');
      assert.equal(await outside.isEnded(), false);
      await dialog.press('Retire Passkey');
      await workbench.page
        .locator('.statusbar')
        .getByText(/is retired, and its key outside ends/)
        .waitFor({ timeout: workLimit });
      await keys.row(old).waitUntilGone();
      await workbench.screenshot(`retired-${kind}`);
      assert.deepEqual([(await passkeyOf(old)).state, await outside.isEnded()], ['retired', true]);
    });

    it('what was backed up before is opened by the passkey that is left', async () => {
      const locked = workbench.page.locator('.statusbar').getByText('Holdfast locked');
      await world.daemon.call(sessionLock, {});
      await locked.waitFor();
      await workbench.runCommand('holdfast.unlock');
      await locked.waitFor({ state: 'detached', timeout: workLimit });
      await world.assertRestores(point);
    });
  });
}
