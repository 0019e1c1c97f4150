import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as z from 'zod';
import type { BucketDaemon } from '../support/bucketDaemon.ts';
import { cliJson, type CliResult, runCli } from '../support/cli.ts';
import { serviceKeyDaemon } from '../support/serviceKeyDaemon.ts';
import { gateDocument, rotateDocument } from '../support/gateShapes.ts';
import { KmsWireServer } from '../support/servers/kmsWire.ts';
import { sharedOpenBao } from '../support/servers/sharedServers.ts';

const hours = 3_600_000;
const day = 24 * hours;
/** In leaps like these the locks of what is kept are extended in time. */
const leapHours = 48;
const refusal = z.object({
  error: z.looseObject({ code: z.string(), message: z.string(), details: z.looseObject({ from: z.string().nullable() }) }),
});
const retired = z.looseObject({ state: z.string() });

/** Rotates, is refused until the date and not a day less, and ends the key then: each by the command line. */
async function rotatedUntilRetired(world: BucketDaemon, command: RegExp): Promise<void> {
  const { state } = world;
  await using served = await world.daemon.serve(state);
  assert.ok(served);
  const gate = async (name: string): Promise<z.infer<typeof gateDocument>> =>
    await cliJson(gateDocument, ['passkey', 'gate', name], { state });
  const retire = async (name: string): Promise<CliResult> =>
    await runCli(['passkey', 'retire', name, '--end-key', '--yes', '--json'], { state });
  const point = await world.backUp();
  const { previous, gate: first } = await cliJson(rotateDocument, ['passkey', 'rotate', 'first'], { state });
  const old = previous?.name ?? '';
  assert.deepEqual([old.startsWith('first@'), first?.allowed], [true, false]);
  await world.idle();

  const refusedAtOnce = await retire(old);
  assert.equal(refusedAtOnce.status, 4, refusedAtOnce.stdout);
  const { code, details } = refusal.parse(refusedAtOnce.json).error;
  const from = details.from ?? '';
  assert.deepEqual([code, Date.parse(from) > world.clock.storeMs + 6 * day], ['refusedByRule', true]);
  const people = await runCli(['passkey', 'gate', old], { state });
  assert.match(people.stdout, new RegExp(`until ${from.slice(0, 10)}`));

  const hoursLeft = (): number => (Date.parse(from) - world.clock.storeMs) / hours;
  await world.pass(hoursLeft() - 12, leapHours);
  const before = await gate(old);
  assert.deepEqual([before.allowed, before.from, before.commands], [false, from, []], 'half a day before');
  assert.equal((await retire(old)).status, 4);

  await world.pass(24, leapHours);
  const after = await gate(old);
  assert.deepEqual([after.allowed, after.reasons, after.commands.length], [true, [], 1]);
  assert.match(after.commands[0] ?? '', command);
  const gone = await retire(old);
  assert.equal(gone.status, 0, `${gone.stdout}${gone.stderr}`);
  assert.equal(retired.parse(gone.json).state, 'retired');

  await cliJson(z.unknown(), ['lock'], { state });
  const unlocked = await runCli(['unlock'], { state });
  assert.deepEqual([unlocked.status, unlocked.stdout], [0, 'Unlocked. The passkey in use is first.\n'], unlocked.stderr);
  await world.assertRestores(point);
}

describe('the date of the gate, by the built command line', function () {
  this.timeout(120_000);

  it('D1: a KMS key that was rotated is refused until the last lock that needs it has ended, and is ended then', async () => {
    await using kms = await KmsWireServer.start();
    const key = kms.createKey();
    kms.aliases.set('alias/dated', key.id);
    await using world = await serviceKeyDaemon({
      key: {
        target: { kind: 'awsKms', keyId: 'alias/dated', region: kms.region },
        access: { kind: 'awsKms', endpoint: kms.endpoint, credentials: { source: 'chain' } },
      },
      environment: { AWS_ACCESS_KEY_ID: 'AKIADATED', AWS_SECRET_ACCESS_KEY: 'of-the-test' },
    });
    await rotatedUntilRetired(world, /^aws kms schedule-key-deletion .*--pending-window-in-days 30/);
    assert.deepEqual(
      [...kms.keys.values()].map(({ state }) => state),
      ['PendingDeletion', 'Enabled'],
    );
  });

  it('D2: a version of a Vault key that was rotated is refused until the last lock that needs it has ended, and is ended then', async function (this: Mocha.Context) {
    const vault = await sharedOpenBao(this);
    await vault.createKey('dated');
    using folder = new DisposableStack();
    const tokenFile = path.join(mkdtempSync(path.join(tmpdir(), 'hf-token-')), 'token');
    folder.defer(() => rmSync(path.dirname(tokenFile), { recursive: true }));
    writeFileSync(tokenFile, vault.rootToken, { mode: 0o600 });
    await using world = await serviceKeyDaemon({
      key: {
        target: { kind: 'vaultTransit', address: vault.address, namespace: null, mount: 'transit', key: 'dated' },
        access: { kind: 'vaultTransit', login: { method: 'tokenFile', tokenFile }, caFile: null },
      },
    });
    await rotatedUntilRetired(world, /^vault write .* transit\/keys\/dated\/config min_decryption_version=2$/);
    const { body } = await vault.send('GET', 'transit/keys/dated');
    assert.equal(z.object({ data: z.object({ min_decryption_version: z.int() }) }).parse(body).data.min_decryption_version, 2);
  });
});
