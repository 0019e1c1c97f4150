import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { DeleteObjectCommand, ListObjectVersionsCommand, type S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod';
import { alert } from '../../../protocol/methods/alerts.ts';
import { immutabilityStatus } from '../../../protocol/methods/immutability.ts';
import { type Location, location } from '../../../protocol/methods/locations.ts';
import { type MadeBucket, s3Client } from '../../support/servers/s3Server.ts';
import { sharedSeaweed } from '../../support/servers/sharedServers.ts';
import { eventually } from './eventually.ts';
import { hostForSuite, type ThemeKind } from './host.ts';
import type { Workbench } from './workbench.ts';

const anything = z.unknown();
const kinds: readonly ThemeKind[] = ['light', 'dark', 'highContrast'];
const tampered = /Somebody tampered with vault/;
/** A run on a real server takes its time. */
const workLimit = 60_000;

/** From nothing to a restore point that nobody can delete, and to the alert where somebody tries. Each test goes on where the one before ended. */
describe('immutable backups on a real store', () => {
  const host = hostForSuite();
  let bucket: MadeBucket;
  let client: S3Client;
  let workbench: Workbench;

  const vault = async (): Promise<Location> => {
    const all = await host.scratch.json(z.array(location), ['location', 'list']);
    return all.find(({ name }) => name === 'vault') ?? assert.fail('there is no location vault');
  };
  const told = async (text: RegExp): Promise<void> =>
    await workbench.page.locator('.statusbar').getByText(text).waitFor({ timeout: workLimit });

  const openWalkthrough = async (): Promise<void> => {
    await workbench.palette.run('Welcome: Open Walkthrough...');
    await workbench.quickPick.choose(/^Get started with Holdfast/);
    await workbench.page.getByRole('button', { name: 'Make it immutable' }).waitFor();
  };

  before(async function (this: Mocha.Context) {
    this.timeout(120_000);
    const server = await sharedSeaweed(this);
    bucket = await server.createBucket();
    client = s3Client(server.endpoint);
    const { scratch } = host;
    await scratch.json(anything, ['init', '--passphrase-file', scratch.passphraseFile]);
    writeFileSync(path.join(host.folder, 'plan.txt'), 'the plan');
    workbench = await host.openWindow({ height: 860 });
    // The workbench ticks steps off from the first time on that it shows a walkthrough.
    await openWalkthrough();
    await workbench.editors.close('Welcome');
    await workbench.openContainer();
    await workbench.view('Locations').expand();
  });

  after(() => client?.destroy());

  it('New Location takes a bucket with keys that are typed, checks while typing, and shows what it found before anything is saved', async () => {
    const { quickPick, inputBox } = workbench;
    await workbench.runCommand('holdfast.newLocation');
    await quickPick.choose('S3 bucket');
    await quickPick.choose('Another S3 store');
    await eventually(async () => assert.match(await inputBox.message(), /Address of the store/));
    await inputBox.type('http://s3.example.com');
    await eventually(async () => assert.match(await inputBox.message(), /must be a loopback address/));
    await inputBox.enter(bucket.endpoint);
    await eventually(async () => assert.match(await inputBox.message(), /Name of the bucket/));
    await inputBox.type('No Bucket');
    await eventually(async () => assert.match(await inputBox.message(), /lower-case letters/));
    await inputBox.enter('no-such-bucket');
    await eventually(async () => assert.equal(await inputBox.value(), 'us-east-1'));
    await inputBox.accept();
    await inputBox.answer(/Folder in the bucket/, 'backups/laptop');
    await quickPick.choose('Type keys');
    await inputBox.answer(/Access key ID/, bucket.accessKeyId);
    await eventually(async () => assert.match(await inputBox.message(), /Secret access key/));
    assert.ok(await inputBox.isSecret());
    await inputBox.enter(bucket.secretAccessKey);
    await eventually(async () => assert.match(await inputBox.message(), /Session token of temporary keys/));
    assert.ok(await inputBox.isSecret());
    await inputBox.accept();
    await inputBox.answer(/Name of the location/, 'vault');
    await quickPick.option('Check Again').waitFor();
    await workbench.screenshot('form-bucket-failed');
    assert.deepEqual(await host.scratch.json(z.array(location), ['location', 'list']), []);
  });

  it('keeps all that was typed on the way back to what was wrong', async () => {
    const { quickPick, inputBox } = workbench;
    await quickPick.back();
    await eventually(async () => assert.equal(await inputBox.value(), 'vault'));
    await inputBox.back();
    await eventually(async () => assert.match(await inputBox.message(), /Session token/));
    await inputBox.back();
    await eventually(async () => assert.match(await inputBox.message(), /Secret access key/));
    assert.equal(await inputBox.value(), bucket.secretAccessKey);
    await inputBox.back();
    await eventually(async () => assert.equal(await inputBox.value(), bucket.accessKeyId));
    await inputBox.back();
    await quickPick.option('Type keys').waitFor();
    await quickPick.back();
    await eventually(async () => assert.equal(await inputBox.value(), 'backups/laptop'));
    await inputBox.back();
    await eventually(async () => assert.equal(await inputBox.value(), 'us-east-1'));
    await inputBox.back();
    await eventually(async () => assert.equal(await inputBox.value(), 'no-such-bucket'));
    await inputBox.enter(bucket.name);
    for (const value of ['us-east-1', 'backups/laptop']) {
      await eventually(async () => assert.equal(await inputBox.value(), value));
      await inputBox.accept();
    }
    await quickPick.choose('Type keys');
    for (const value of [bucket.accessKeyId, bucket.secretAccessKey, '', 'vault']) {
      await eventually(async () => assert.equal(await inputBox.value(), value));
      await inputBox.accept();
    }
    await quickPick.option('Go On').waitFor();
    await quickPick.option(/^Object lock, passed/).waitFor();
  });

  for (const theme of kinds) {
    it(`shows what it found of the bucket: ${theme}`, async () => {
      await host.useTheme(workbench, theme);
      await workbench.screenshot(`location-checks-${theme}`, { forDocs: true });
    });
  }

  it('says what a protection period means and costs, warns of a long one and of sealed keys, and adds the location', async () => {
    const { quickPick, inputBox } = workbench;
    await quickPick.choose('Go On');
    await quickPick.option(/^30 days, usual, about \d[\d,]* calls a month/).waitFor();
    await workbench.screenshot('form-protection-period');
    await quickPick.choose('Another time…');
    await eventually(async () => assert.match(await inputBox.message(), /For 30 days whatever an attacker does.* calls a month/));
    await inputBox.type('0');
    await eventually(async () => assert.match(await inputBox.message(), /A whole number of days/));
    await inputBox.enter('120');
    await quickPick.option('Lock for 120 days').waitFor();
    await workbench.screenshot('form-protection-long');
    await quickPick.back();
    await eventually(async () => assert.equal(await inputBox.value(), '120'));
    await inputBox.back();
    await quickPick.choose('1 day');
    await quickPick.option('Nobody').waitFor();
    await workbench.screenshot('form-protection-mode');
    await quickPick.choose('Nobody');
    await quickPick.choose('Use Sealed Keys All the Same');
    await quickPick.option('Add the Location').waitFor();
    await workbench.screenshot('form-protection-summary');
    await quickPick.choose('Add the Location');
    await quickPick.waitUntilClosed();
    await eventually(async () => {
      const { s3, protectionPeriodDays, lockMode } = await vault();
      assert.deepEqual(
        [s3?.bucket, s3?.prefix, s3?.credentials.source, protectionPeriodDays, lockMode],
        [bucket.name, 'backups/laptop', 'sealed', 1, 'compliance'],
      );
    });
  });

  it('the lock is proved by itself, and only then the row says so', async () => {
    const row = workbench.view('Locations').row('vault');
    await row.waitFor();
    await eventually(async () => assert.match(await row.description(), /immutable for 1 day, proved/), workLimit);
    assert.match(await row.description(), new RegExp(`s3://${bucket.name}/backups/laptop`));
  });

  it('Back Up Now makes a restore point that says until when it is locked', async () => {
    await host.scratch.json(anything, ['policy', 'create', 'work', '--source', host.folder, '--location', 'vault']);
    await workbench.runCommand('holdfast.backUpNow');
    await workbench.quickPick.choose('work');
    await told(/Backup of work: 1 file/);
    await eventually(async () => {
      const rows = await workbench.view('Restore Points').rows();
      assert.ok(rows.length > 0);
    }, workLimit);
    const points = workbench.view('Restore Points');
    const point = points.row(/^Restore point of work/);
    await eventually(async () => {
      await points.row('work').expand();
      assert.match(await point.description(), /locked until \w+ \d+/);
    }, workLimit);
  });

  it('Refresh Locks Now and Prove Lock tell quietly how it went, from the row and from the palette', async () => {
    await (await workbench.view('Locations').row('vault').openMenu()).choose('Prove Lock');
    await told(/Lock proof of vault: proved, by \d+ attempts/);
    await workbench.runCommand('holdfast.refreshLocks');
    await workbench.quickPick.choose('vault');
    await told(/Refresh of the locks of vault: no lock was too short/);
    assert.deepEqual(await workbench.view('Locations').row('vault').actions(), ['Validate Location', 'Refresh Locks Now']);
  });

  it('Validate Location shows every check, and Audit Now finds all as it was put', async () => {
    await workbench.runCommand('holdfast.validateLocation');
    await workbench.quickPick.choose('vault');
    await workbench.quickPick.waitFor(/Location vault: /);
    await workbench.quickPick.option(/^Versioning, passed/).waitFor();
    await workbench.quickPick.cancel();
    await workbench.runCommand('holdfast.auditLocks');
    await workbench.quickPick.choose('vault');
    await told(/Audit of vault: \d+ versions, all as it was put/);
  });

  it('Copy as Command asks which one', async () => {
    await (await workbench.view('Locations').row('vault').openMenu()).choose('Copy as Command');
    await workbench.quickPick.choose(/^Audit Now/);
    await eventually(async () =>
      assert.equal(await workbench.clipboard(), `holdfast --state ${host.scratch.state} immutability audit --location vault`),
    );
  });

  it('a restore point and the status bar tell until when', async () => {
    const point = workbench.view('Restore Points').row(/^Restore point of work/);
    assert.match((await point.tooltip()).replaceAll('\u00a0', ' '), /Locked until \d{4}-/);
    assert.match((await workbench.statusBar.tooltip()).replaceAll('\u00a0', ' '), /Safe until \d{4}-/);
  });

  for (const theme of kinds) {
    it(`shows the location with its locks, and their facts in its tooltip: ${theme}`, async () => {
      await host.useTheme(workbench, theme);
      await workbench.widenSideBar(760);
      for (const other of ['Policies', 'Passkeys'] as const) await workbench.view(other).collapse();
      const row = workbench.view('Locations').row('vault');
      await eventually(async () => assert.match(await row.description(), /safe until \w+ \d+ · slack/));
      assert.match((await row.tooltip()).replaceAll('\u00a0', ' '), /Kept locked \d+ objects[^]*Last refresh \d{4}-[^]*Findings none/);
      await workbench.screenshot(`locations-${theme}`, { forDocs: true, keepsHover: true });
    });
  }

  it('R1: a delete marker that somebody puts over an object makes a finding to read and an alert, whose row audits anew', async () => {
    const listed = await client.send(new ListObjectVersionsCommand({ Bucket: bucket.name, Prefix: 'backups/laptop/' }));
    const key = listed.Versions?.find(({ Key = '' }) => Key.includes('/packs/'))?.Key ?? assert.fail('nothing was stored');
    await client.send(new DeleteObjectCommand({ Bucket: bucket.name, Key: key }));
    await workbench.runCommand('holdfast.auditLocks');
    await workbench.quickPick.choose('vault');
    const toast = /The audit of vault found 1 thing/;
    await workbench.notifications.toast(toast).waitFor({ timeout: workLimit });
    await workbench.notifications.press(toast, 'Show Details');
    await workbench.editors.waitFor(/Audit of vault/);
    await eventually(async () => assert.match(await workbench.editors.text(), /a delete marker: /));
    await workbench.screenshot('audit-report');
    const row = workbench.view('Alerts').row(tampered);
    await row.waitFor();
    assert.deepEqual(await workbench.notifications.texts(), [], 'what the audit told is not told once more');
    assert.deepEqual(await row.actions(), ['Acknowledge Alert', 'Audit Now']);
    assert.match((await row.tooltip()).replaceAll('\u00a0', ' '), /Nothing is lost until \d{4}-[^]*Way out Find out whose credentials/);
    await eventually(async () => assert.match(await workbench.view('Locations').row('vault').description(), /1 finding/));
    const before = workbench.wire.commands.filter((ran) => ran === 'holdfast.auditLocks').length;
    await row.press('Audit Now');
    await eventually(() => assert.equal(workbench.wire.commands.filter((ran) => ran === 'holdfast.auditLocks').length, before + 1));
    const alerts = await host.scratch.json(z.array(alert), ['alert', 'list']);
    assert.deepEqual(
      alerts.filter(({ kind }) => kind === 'tampering').map(({ subject }) => subject),
      ['vault'],
    );
  });

  for (const theme of kinds) {
    it(`shows the alert: ${theme}`, async () => {
      await host.useTheme(workbench, theme);
      const row = workbench.view('Alerts').row(tampered);
      assert.match((await row.tooltip()).replaceAll('\u00a0', ' '), /Way out/);
      await workbench.screenshot(`tampering-${theme}`, { forDocs: true, keepsHover: true });
    });
  }

  it('a locked daemon shows its locations and locks all the same, and the alert about its sealed keys unlocks it', async () => {
    await workbench.runCommand('holdfast.lock');
    const row = workbench.view('Alerts').row(/the credentials of vault are sealed/);
    await row.waitFor(workLimit);
    assert.match(await workbench.view('Locations').row('vault').description(), /immutable for 1 day.*safe until/);
    assert.deepEqual(await row.actions(), ['Acknowledge Alert', 'Unlock']);
    const toast = /the credentials of vault are sealed/;
    await workbench.notifications.waitFor(toast);
    assert.deepEqual(await workbench.notifications.buttons(toast), ['Unlock', "Don't Show Again"]);
    await row.press('Unlock');
    await workbench.inputBox.answer(/^Passphrase of/, host.scratch.passphrase);
    await row.waitUntilGone();
    const { locations } = await host.scratch.json(immutabilityStatus.result, ['immutability', 'status']);
    assert.equal(locations[0]?.protectionPeriodDays, 1);
  });

  it('Change Protection Period makes it longer after it has said what becomes of it', async () => {
    const { quickPick } = workbench;
    await (await workbench.view('Locations').row('vault').openMenu()).choose('Change Protection Period…');
    await quickPick.waitFor(/Protection Period of vault/);
    await quickPick.choose('7 days');
    await quickPick.option(/What is promised today, 1 day, holds/).waitFor();
    await workbench.screenshot('form-protection-change');
    await quickPick.choose('Protect for 7 days');
    await eventually(async () => assert.equal((await vault()).protectionPeriodDays, 7), workLimit);
    await eventually(async () => assert.match(await workbench.view('Locations').row('vault').description(), /immutable for 7 days/));
  });

  it('Set Longest Absence says what each costs, and saves the one that is chosen', async () => {
    await workbench.runCommand('holdfast.setAbsence');
    await workbench.quickPick.waitFor('Set Longest Absence…');
    await workbench.quickPick.option(/^4 days, now, locks of up to \d+ days, about [\d,]+ calls a month/).waitFor();
    await workbench.screenshot('form-absence');
    await workbench.quickPick.choose(/^7 days/);
    await eventually(async () => {
      const { longestAbsenceDays } = await host.scratch.json(immutabilityStatus.result, ['immutability', 'status']);
      assert.equal(longestAbsenceDays, 7);
    });
  });

  it('ticks off the step of the walkthrough that makes backups immutable', async () => {
    await openWalkthrough();
    await workbench.page.locator('.codicon.complete[data-done-step-id$="makeImmutable"]').waitFor();
  });
});
