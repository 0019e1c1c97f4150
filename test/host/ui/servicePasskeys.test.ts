import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { vaultPolicy } from '../../../protocol/keyPolicies.ts';
import { type Passkey, passkey } from '../../../protocol/methods/passkeys.ts';
import { KmsWireServer, type WireKey } from '../../support/servers/kmsWire.ts';
import type { OpenBaoServer } from '../../support/servers/openBaoServer.ts';
import type { MadeBucket } from '../../support/servers/s3Server.ts';
import { sharedOpenBao, sharedSeaweed } from '../../support/servers/sharedServers.ts';
import { eventually } from './eventually.ts';
import { hostForSuite, type ThemeKind } from './host.ts';
import type { Workbench } from './workbench.ts';

const kinds: readonly ThemeKind[] = ['light', 'dark', 'highContrast'];
const key = 'holdfast';
/** Real processes ask real servers. */
const workLimit = 60_000;

/** From nothing to passkeys at Vault and KMS that were rotated and retired. Each test goes on where the one before ended. */
describe('passkeys of key services', () => {
  const host = hostForSuite();
  let bucket: MadeBucket;
  let bao: OpenBaoServer;
  let wire: KmsWireServer;
  let first: WireKey;
  let workbench: Workbench;
  let tokenFile: string;
  let goodToken: string;

  const passkeys = async (): Promise<readonly Passkey[]> => await host.scratch.json(z.array(passkey), ['passkey', 'list']);
  const passkeyOf = async (name: string): Promise<Passkey> =>
    (await passkeys()).find((one) => one.name === name) ?? assert.fail(`there is no passkey ${name}`);
  const told = async (text: RegExp): Promise<void> =>
    await workbench.page.locator('.statusbar').getByText(text).waitFor({ timeout: workLimit });
  const answered = async (prompt: RegExp, text: string): Promise<void> => await workbench.inputBox.answer(prompt, text);

  /** Commands stand in the palette once the window knows of it. */
  const lock = async (): Promise<void> => {
    const locked = workbench.page.locator('.statusbar').getByText('Holdfast locked');
    await locked.waitFor({ state: 'detached' });
    await workbench.runCommand('holdfast.lock');
    await locked.waitFor();
  };
  const verify = async (name: RegExp): Promise<void> => {
    await workbench.runCommand('holdfast.verifyPasskey');
    await workbench.quickPick.choose(name);
  };
  const clearToasts = async (): Promise<void> => {
    for (const text of await workbench.notifications.texts()) await workbench.notifications.dismiss(text);
  };

  before(async function (this: Mocha.Context) {
    this.timeout(120_000);
    bucket = await (await sharedSeaweed(this)).createBucket();
    bao = await sharedOpenBao(this);
    await bao.createKey(key);
    wire = await KmsWireServer.start();
    first = wire.createKey();
    wire.aliases.set('alias/backup', first.id);
    goodToken = await bao.createToken(vaultPolicy({ mount: 'transit', key }));
    tokenFile = path.join(host.scratch.folder, 'vault-token');
    const weak = await bao.createToken(`path "transit/keys/${key}" {\n  capabilities = ["read"]\n}\n`);
    writeFileSync(tokenFile, weak, { mode: 0o600 });
    workbench = await host.openWindow({ height: 860 });
    await workbench.openContainer();
  });

  after(async () => await wire?.[Symbol.asyncDispose]());

  it('Set Up takes a key of Vault, checks while typing, and shows what is missing with the policy to copy', async () => {
    const { quickPick, inputBox } = workbench;
    await workbench.runCommand('holdfast.setUp');
    await quickPick.choose('HashiCorp Vault or OpenBao');
    await eventually(async () => assert.match(await inputBox.message(), /Address of Vault or OpenBao/));
    await inputBox.type('http://vault.example.com');
    await eventually(async () => assert.match(await inputBox.message(), /must be a loopback address/));
    await inputBox.enter(bao.address);
    await answered(/^Namespace/, '');
    await eventually(async () => assert.equal(await inputBox.value(), 'transit'));
    await inputBox.accept();
    await answered(/Name of the transit key/, key);
    await quickPick.choose('A file with a token');
    await answered(/File with the token/, path.join(host.scratch.folder, 'no-such-file'));
    await eventually(async () => assert.match(await inputBox.message(), /There is no such file/));
    await inputBox.enter(tokenFile);
    await quickPick.option('Try Again').waitFor({ timeout: workLimit });
    await quickPick.option(/^Wrap and unwrap, failed/).waitFor();
    await workbench.screenshot('form-key-failed');
    await quickPick.choose('Copy Policy');
    await eventually(async () => assert.equal(await workbench.clipboard(), vaultPolicy({ mount: 'transit', key })));
    await quickPick.back();
    await eventually(async () => assert.equal(await inputBox.value(), tokenFile));
    writeFileSync(tokenFile, goodToken, { mode: 0o600 });
    await inputBox.accept();
    await quickPick.option(/^Wrap and unwrap, passed/).waitFor({ timeout: workLimit });
    await workbench.screenshot('form-key-checked');
    await quickPick.choose('Go On');
    await quickPick.choose('Set Up with This Key');
    await quickPick.waitUntilClosed();
    await eventually(async () => {
      const { kind, inUse, reference } = await passkeyOf('vault-transit');
      assert.deepEqual([kind, inUse, reference['key'], reference['version']], ['vaultTransit', true, key, 1]);
    }, workLimit);
  });

  it('Rotate Passkey of Vault hands over the command that it may not run itself, and goes on once it has run', async () => {
    const { quickPick } = workbench;
    const env = { AWS_ACCESS_KEY_ID: bucket.accessKeyId, AWS_SECRET_ACCESS_KEY: bucket.secretAccessKey };
    const adding = ['location', 'add', 's3', 'vault', '--bucket', bucket.name, '--region', 'us-east-1', '--endpoint', bucket.endpoint];
    await host.scratch.json(z.unknown(), [...adding, '--protection-period', '1'], { env });
    await workbench.runCommand('holdfast.rotatePasskey');
    await quickPick.choose(/^vault-transit/);
    await quickPick.option(/^The key transit\/holdfast gets its next version/).waitFor({ timeout: workLimit });
    await workbench.screenshot('form-rotate-key');
    await quickPick.choose('Rotate Now');
    await quickPick.choose('Leave That as It Is');
    await quickPick.choose('Copy Command');
    const command = `vault write -address=${bao.address} -f transit/keys/${key}/rotate`;
    await eventually(async () => assert.equal(await workbench.clipboard(), command));
    assert.equal((await passkeys()).length, 1);
    await bao.write(`transit/keys/${key}/rotate`);
    await quickPick.option('Go On').waitFor();
    await workbench.notifications.toast(/Rotating the passkey/).waitFor({ state: 'detached' });
  });

  for (const theme of kinds) {
    it(`shows the step that is for somebody else: ${theme}`, async () => {
      await host.useTheme(workbench, theme);
      await workbench.screenshot(`rotation-${theme}`, { forDocs: true });
    });
  }

  it('then shows what was done, and that the old one can not go yet', async () => {
    const { quickPick } = workbench;
    await quickPick.choose('Go On');
    await quickPick.waitFor(/Rotated the passkey vault-transit/);
    await quickPick.option(/^Version 2 of transit\/holdfast is there already/).waitFor();
    await quickPick.option(/^vault-transit@v1 can not be retired yet/).waitFor();
    await quickPick.option(/is the newest there and holds it/).waitFor();
  });

  for (const theme of kinds) {
    it(`shows what was done: ${theme}`, async () => {
      await host.useTheme(workbench, theme);
      await workbench.screenshot(`rotated-${theme}`, { forDocs: true });
    });
  }

  it('Retire Passkey is refused while what is locked needs the old version, with the list and the date to copy', async () => {
    const { quickPick, inputBox, dialog } = workbench;
    await quickPick.choose('Done');
    await quickPick.waitUntilClosed();
    const all = (await passkeys()).map(({ name, inUse, reference }) => `${name} ${inUse} ${z.number().parse(reference['version'])}`);
    assert.deepEqual(all.toSorted(), ['vault-transit true 2', 'vault-transit@v1 false 1']);
    await workbench.runCommand('holdfast.retirePasskey');
    await quickPick.choose(/^vault-transit@v1/);
    await inputBox.waitFor('Retire Passkey');
    await inputBox.enter('vault-transit@v1');
    assert.match(await dialog.message(), /Begin to retire the passkey vault-transit@v1\?/);
    assert.match(
      await dialog.detail(),
      /can not be retired yet[^]*is the newest there and holds it[^]*New keyrings leave it out[^]*Only that one would be left/,
    );
    await workbench.screenshot('form-retire-begin');
    await dialog.press('Begin to Retire');
    await eventually(
      async () => assert.match(await dialog.message(), /Failed to retire passkey vault-transit@v1: what is locked needs/),
      workLimit,
    );
    await workbench.screenshot('form-retire-refused');
    await dialog.press('Copy');
    await eventually(async () =>
      assert.match(await workbench.clipboard(), /can be retired from \d{4}-[^]*is locked and holds it, until \d{4}-/),
    );
    assert.equal((await passkeyOf('vault-transit@v1')).state, 'ready');
  });

  it('New Passkey takes a key of KMS by its alias with keys that are typed, and asks for no passphrase where there is none', async () => {
    const { quickPick, inputBox } = workbench;
    await workbench.runCommand('holdfast.newPasskey');
    await quickPick.choose('AWS KMS');
    await eventually(async () => assert.match(await inputBox.message(), /Key of AWS KMS/));
    await inputBox.type('backup');
    await eventually(async () => assert.match(await inputBox.message(), /must be an id, an ARN, or an alias/));
    await inputBox.enter('alias/backup');
    await answered(/Region that the key is in/, wire.region);
    await answered(/Address of KMS/, wire.endpoint);
    await quickPick.choose('Type keys');
    await answered(/Access key ID/, 'AKIDEXAMPLE');
    await eventually(async () => assert.match(await inputBox.message(), /Secret access key/));
    assert.ok(await inputBox.isSecret());
    await inputBox.enter('a-secret-for-tests');
    await answered(/Session token of temporary keys/, '');
    await quickPick.option('Go On').waitFor({ timeout: workLimit });
    await quickPick.choose('Copy Policy');
    await eventually(async () => assert.match(await workbench.clipboard(), new RegExp(`"Resource": "${RegExp.escape(first.arn)}"`)));
    await quickPick.choose('Go On');
    await answered(/Name of the passkey/, 'cloud');
    await quickPick.choose('The one in use stays');
    await quickPick.waitUntilClosed();
    await eventually(async () => {
      const { kind, inUse, state, reference } = await passkeyOf('cloud');
      assert.deepEqual(
        [kind, inUse, state, reference['keyArn'], reference['alias']],
        ['awsKms', false, 'ready', first.arn, 'alias/backup'],
      );
    }, workLimit);
  });

  it('Unlock asks Vault and nobody else; where that fails it says why, with what else there is', async () => {
    const { quickPick } = workbench;
    await lock();
    await workbench.runCommand('holdfast.unlock');
    await eventually(async () => assert.equal((await host.scratch.cli(['policy', 'list'])).status, 0), workLimit);
    await lock();
    writeFileSync(tokenFile, 'no-token-of-anybody', { mode: 0o600 });
    await workbench.runCommand('holdfast.unlock');
    await quickPick.option('Try Again').waitFor({ timeout: workLimit });
    await quickPick.option('Use cloud').waitFor();
    await workbench.screenshot('form-unlock-key');
    writeFileSync(tokenFile, goodToken, { mode: 0o600 });
    await quickPick.choose('Try Again');
    await eventually(async () => assert.equal((await host.scratch.cli(['policy', 'list'])).status, 0), workLimit);
  });

  it('X2: a rotation whose key service does not answer is cancelled: nothing half done is shown as done', async () => {
    const { quickPick, notifications } = workbench;
    const before = await passkeys();
    wire.lie = ({ action }) => (action === 'Encrypt' ? 'silence' : undefined);
    await workbench.runCommand('holdfast.rotatePasskey');
    await quickPick.choose(/^cloud/);
    await quickPick.choose('Rotate Now');
    await quickPick.choose('Leave That as It Is');
    await notifications.waitFor(/Rotating the passkey cloud/);
    // The next key is there by then, and the alias names it.
    await eventually(() => assert.ok(wire.actions().slice(-1).includes('Encrypt')), workLimit);
    await notifications.press(/Rotating the passkey cloud/, 'Cancel');
    await notifications.toast(/Rotating the passkey cloud/).waitFor({ state: 'detached' });
    await quickPick.option('Leave That as It Is').waitFor({ timeout: workLimit });
    await quickPick.cancel();
    assert.deepEqual(
      (await notifications.texts()).filter((text) => /rotat/i.test(text)),
      [],
    );
    const { inUse, reference } = await passkeyOf('cloud');
    assert.deepEqual([inUse, reference['keyArn'], (await passkeys()).length], [false, first.arn, before.length]);
    wire.lie = () => undefined;
  });

  it('Rotate Passkey of KMS makes the next key, moves the alias, and sets when it rotates by itself', async () => {
    const { quickPick } = workbench;
    await workbench.runCommand('holdfast.rotatePasskey');
    await quickPick.choose(/^cloud/);
    await quickPick.option(/alias\/backup is moved to it/).waitFor({ timeout: workLimit });
    await quickPick.choose('Rotate Now');
    await quickPick.choose('Every 90 days');
    await quickPick.waitFor(/Rotated the passkey cloud/);
    await quickPick.option(/^alias\/backup names it/).waitFor();
    await quickPick.choose('Done');
    const { inUse, reference } = await passkeyOf('cloud');
    assert.equal(inUse, true);
    assert.notEqual(reference['keyArn'], first.arn);
    assert.equal(reference['alias'], 'alias/backup');
    assert.equal(wire.keys.size, 2);
  });

  it('Use Passkey and Verify Passkey ask for no passphrase; a key that refuses makes the row say so', async () => {
    const keys = workbench.view('Passkeys');
    await keys.expand();
    await (await keys.row('vault-transit').openMenu()).choose('Use Passkey');
    await eventually(async () => assert.equal((await passkeyOf('vault-transit')).inUse, true), workLimit);
    await keys.row('cloud').press('Verify Passkey');
    await told(/Passkey cloud is verified/);
    wire.denied.add('Decrypt');
    await verify(/^cloud,/);
    await eventually(async () => assert.match(await keys.row('cloud').description(), /failing/), workLimit);
    await workbench.notifications.dismiss(/Failed to/);
    wire.denied.clear();
    await verify(/^cloud,/);
    await eventually(async () => assert.doesNotMatch(await keys.row('cloud').description(), /failing/), workLimit);
  });

  it('Verify Passkey offers another login where the login is what failed, and the passkey keeps the one that opens it', async () => {
    const { quickPick, notifications } = workbench;
    const other = path.join(host.scratch.folder, 'other-token');
    writeFileSync(other, goodToken, { mode: 0o600 });
    writeFileSync(tokenFile, 'no-token-of-anybody', { mode: 0o600 });
    await verify(/^vault-transit,/);
    await notifications.toast(/Failed to .* Vault refuses the token/).waitFor({ timeout: workLimit });
    await notifications.press(/Failed to .* Vault refuses the token/, 'Log In Another Way…');
    await quickPick.choose('A file with a token');
    await answered(/File with the token/, other);
    await told(/Passkey vault-transit is verified/);
    await lock();
    assert.equal((await host.scratch.cli(['unlock', '--passkey', 'vault-transit'])).status, 0);
    writeFileSync(tokenFile, goodToken, { mode: 0o600 });
    assert.equal((await host.scratch.cli(['passkey', 'verify', 'vault-transit', '--token-file', tokenFile])).status, 0);
  });

  it('the row says that somebody rotated the key of Vault', async () => {
    await bao.write(`transit/keys/${key}/rotate`);
    const keys = workbench.view('Passkeys');
    await verify(/^vault-transit,/);
    await workbench.notifications.toast(/The passkey vault-transit opens the backups/).waitFor({ timeout: workLimit });
    const description = /Vault Transit · version 2 · in use · verified .* · Vault key version 3, passkey at 2/;
    await eventually(async () => assert.match(await keys.row('vault-transit').description(), description), workLimit);
    assert.match(await keys.row('vault-transit').accessibleName(), /^Passkey vault-transit, Vault Transit · version 2 · in use/);
    await workbench.notifications.dismiss(/The passkey vault-transit opens the backups/);
  });

  for (const theme of kinds) {
    it(`shows the passkeys with what names their keys: ${theme}`, async () => {
      await host.useTheme(workbench, theme);
      await clearToasts();
      await workbench.widenSideBar(760);
      for (const other of ['Restore Points', 'Policies', 'Locations'] as const) await workbench.view(other).collapse();
      const row = workbench.view('Passkeys').row('vault-transit');
      assert.match((await row.tooltip()).replaceAll('\u00a0', ' '), /Address 127\.0\.0\.1:\d+[^]*Mount transit[^]*Key version 2/);
      await workbench.screenshot(`passkeys-${theme}`, { forDocs: true, keepsHover: true });
    });
  }

  it('Retire Passkey says what will be lost, and hands over the command that ends the key outside where it may not', async () => {
    const { quickPick, inputBox, dialog } = workbench;
    await (await workbench.view('Passkeys').row('vault-transit@v1').openMenu()).choose('Retire Passkey…');
    await quickPick.waitFor(/Retire Passkey vault-transit@v1/);
    await workbench.screenshot('form-retire-key');
    await quickPick.choose('It Ends Too');
    await inputBox.waitFor('Retire Passkey');
    await inputBox.enter('vault-transit@v1');
    assert.match(await dialog.message(), /Retire the passkey vault-transit@v1\?/);
    assert.match(
      await dialog.detail(),
      /What opens the backups then: [^]*Its key outside ends too: vault write .*min_decryption_version=2/,
    );
    await workbench.screenshot('form-retire-sure');
    await dialog.press('Retire Passkey');
    await eventually(async () => assert.match(await dialog.detail(), /The passkey is retired/), workLimit);
    await dialog.press('Copy Command');
    await eventually(async () => assert.match(await workbench.clipboard(), /^vault write .*config min_decryption_version=2$/));
    await workbench.view('Passkeys').row('vault-transit@v1').waitUntilGone();
  });

  it('the last passkey that opens can not be retired, and nothing is typed for it', async () => {
    const { dialog } = workbench;
    const keys = workbench.view('Passkeys');
    // Until the end: the daemon tries a passkey that failed once more by itself.
    wire.denied.add('Decrypt');
    writeFileSync(tokenFile, 'no-token-of-anybody', { mode: 0o600 });
    for (const name of ['cloud@', 'vault-transit,']) {
      await verify(new RegExp(`^${name}`));
      const row = keys.row(new RegExp(`^Passkey ${name}`));
      await eventually(async () => assert.match(await row.description(), /failing/), workLimit);
    }
    await (await keys.row('cloud').openMenu()).choose('Retire Passkey…');
    assert.match(await dialog.message(), /cloud can not be retired/);
    assert.match(await dialog.detail(), /No other passkey is verified/);
    await dialog.press('Cancel');
    assert.notEqual((await passkeyOf('cloud')).state, 'retired');
  });
});
