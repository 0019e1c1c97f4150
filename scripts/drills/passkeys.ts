import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { ProcessKeyAgent } from '../../daemon/keys/agent/keyAgent.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import { passkeyGate, passkeyRetire, passkeyRotate, passkeyVerify } from '../../protocol/methods/passkeys.ts';
import type { InitKey } from '../../protocol/methods/session.ts';
import { BucketDaemon } from '../../test/support/bucketDaemon.ts';
import { root } from '../../test/support/cli.ts';
import { passkeyDocument } from '../../test/support/cliShapes.ts';
import { type GateDocument, gateDocument } from '../../test/support/gateShapes.ts';
import type { ImmutableScratch } from '../../test/support/immutableScratch.ts';
import type { OpenBaoServer } from '../../test/support/servers/openBaoServer.ts';
import { awsLogin, newKms, onKms, onVault, transitKey, userOn } from './passkeyUser.ts';
import type { Drill, Stage } from './stage.ts';

const dayMs = 86_400_000;
const hoursOfDay = 24;
const period = 30;
const dayOf = (time: string | null): string => time?.slice(0, 10) ?? 'nobody knows';

/** What the gate says, to a person and as a document. */
async function gateOf(stage: Stage, user: ImmutableScratch, name: string): Promise<GateDocument> {
  await stage.holdfast(user, ['passkey', 'gate', name]);
  return await user.scratch.json(gateDocument, ['passkey', 'gate', name]);
}

/** Both verbs refuse, with the list and the date. Gives from when it may go. */
async function refuses(stage: Stage, user: ImmutableScratch, name: string): Promise<number> {
  const gate = await gateOf(stage, user, name);
  stage.look(
    `The gate says no, names the locked keyrings that hold ${name} and prints no command.`,
    !gate.allowed &&
      gate.commands.length === 0 &&
      gate.reasons.some(({ what }) => /^keyring \d+ in store is (locked|the newest there)/.test(what)),
  );
  const retired = await stage.holdfast(user, ['passkey', 'retire', name, '--end-key', '--yes']);
  const from = Date.parse((await user.scratch.json(gateDocument, ['passkey', 'gate', name])).from ?? '');
  stage.look(
    'To retire it with its key is refused with exit 4, the list, and the date from which it may go.',
    retired.status === 4 && /keyring \d+ in store is locked and holds it, until \d{4}-/.test(retired.text) && from > Date.now(),
  );
  return from;
}

/** The alert keyEndangered, with what it has to say. */
async function endangered(
  stage: Stage,
  user: ImmutableScratch,
  undo: RegExp,
): Promise<{ readonly message: string; readonly safeUntil: string | null } | undefined> {
  const alert = (await user.alerts()).find(({ kind }) => kind === 'keyEndangered');
  if (alert !== undefined) {
    stage.tell(`Alert: ${alert.message}`);
    stage.tell(`       ${alert.fix ?? ''}`);
  }
  stage.look(
    'The alert keyEndangered is open: it says what would be lost, whether that can be undone, and the command for it.',
    alert !== undefined && alert.severity === 'error' && /locked keyring/.test(alert.message) && undo.test(alert.fix ?? ''),
  );
  return alert;
}

/** The whole daemon on a bucket whose clock can be moved, the key at the real service: weeks go by. */
async function weeks(
  stage: Stage,
  key: InitKey,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<{ readonly world: BucketDaemon; readonly point: string }> {
  const entryPath = path.join(root, 'dist', 'daemon', 'keyAgent.js');
  const keyAgent = new ProcessKeyAgent({ entryPath, environment: { PATH: process.env['PATH'], ...environment } });
  const world = stage.use(await BucketDaemon.ready({ protectionPeriod: period, seed: stage.seed, key, keyAgent }));
  stage.tell(`A restore point is made on the ${dayOf(world.clock.wall().toISOString())}, locked for ${period} days ahead.`);
  return { world, point: await world.backUp() };
}

/** Rotates, is refused, waits until the date and not a day less, then retires and ends the key. */
async function safeOrder(stage: Stage, world: BucketDaemon, point: string, command: RegExp): Promise<void> {
  const { daemon } = world;
  daemon.stepUp.grant();
  const { previous, steps } = await daemon.call(passkeyRotate, { requestId: randomUUID(), passkey: 'first' });
  for (const step of steps) stage.tell(`rotate: ${step}`);
  const passkey = previous.slotId;
  await world.backUp();
  await world.idle();
  let refusal: unknown;
  await daemon.call(passkeyRetire, { passkey, confirmed: true, outside: 'end' }).catch((error: unknown) => (refusal = error));
  const isRefused = HoldfastError.is(refusal, 'refusedByRule');
  const { from } = await daemon.call(passkeyGate, { passkey });
  stage.tell(`retire ${previous.name}: ${refusal instanceof Error ? refusal.message : 'taken'}`);
  stage.look(
    'It is refused on the first day, with a date; new keyrings leave the old passkey out, so that the date stands.',
    isRefused && from !== null,
  );
  if (from === null) return;
  const daysUntil = (): number => Math.floor((Date.parse(from) - world.clock.storeMs) / dayMs);
  await world.pass(7 * hoursOfDay, hoursOfDay);
  const afterWeek = await daemon.call(passkeyGate, { passkey });
  stage.look('7 days later, when the naive recipe deletes, it still says no.', !afterWeek.allowed && afterWeek.commands.length === 0);
  await world.pass(daysUntil() * hoursOfDay, hoursOfDay);
  const before = await daemon.call(passkeyGate, { passkey });
  stage.look(
    `Less than a day before the date it still says no, and the date has not moved (${dayOf(from)}).`,
    !before.allowed && before.from === from,
  );
  await world.pass(hoursOfDay, hoursOfDay);
  const after = await daemon.call(passkeyGate, { passkey });
  for (const printed of after.commands) stage.tell(`gate: ${printed}`);
  stage.look(
    'Past the date it says yes and prints the command.',
    after.allowed && after.commands.length === 1 && command.test(after.commands[0] ?? ''),
  );
  daemon.stepUp.grant();
  const { state } = await daemon.call(passkeyRetire, { passkey, confirmed: true, outside: 'end' });
  stage.look('The old passkey is retired.', state === 'retired');
  await daemon.call(passkeyVerify, { passkey: 'first' });
  await world.restart();
  let isWhole = true;
  await world.assertRestores(point).catch((error: unknown) => {
    isWhole = false;
    stage.tell(String(error));
  });
  stage.look(
    `Started anew, the daemon opens with the new key alone, and restore point ${point.slice(0, 8)} of before the rotation comes back.`,
    isWhole,
  );
}

async function oldNameOf(user: ImmutableScratch): Promise<string> {
  const all = await user.scratch.json(z.array(passkeyDocument), ['passkey', 'list']);
  return all.find(({ name }) => name.startsWith('office@'))?.name ?? '';
}

const deletedKmsKey: Drill = {
  id: 'D1',
  title: 'The old KMS key is deleted 7 days after a rotation',
  play: async (stage) => {
    const kms = await newKms(stage);
    const { wire, key } = kms;
    stage.tell("First on SeaweedFS, by the command line, at today's date; AWS KMS is a server of its wire in this process.");
    const { user, point } = await userOn(stage, () => onKms(kms));
    const rotated = await stage.holdfast(user, ['passkey', 'rotate', 'office']);
    stage.look(
      'The rotation makes a new KMS key, moves the alias and verifies; the old key stays.',
      rotated.status === 0 && wire.keys.size === 2,
    );
    const old = await oldNameOf(user);
    const from = await refuses(stage, user, old);
    stage.look('The old KMS key is as it was.', key.state === 'Enabled');

    key.state = 'PendingDeletion';
    key.deletionDate = new Date(Math.ceil(Date.now() / 1000) * 1000 + 7 * dayMs);
    stage.tell('Somebody follows the recipe all the same, in the console of AWS: the old key is scheduled for deletion in 7 days.');
    await stage.holdfast(user, ['passkey', 'verify', old]);
    const alert = await endangered(stage, user, /aws kms cancel-key-deletion .* && aws kms enable-key /);
    const early = Math.round((from - key.deletionDate.getTime()) / dayMs);
    stage.tell(
      `What it would cost: the key ends ${early} days before the last lock that needs it; from then on one passkey alone opens all that is stored.`,
    );
    stage.look(
      `The alert has the day on which it is too late (${dayOf(alert?.safeUntil ?? null)}), ${early} days before the gate's own date.`,
      alert?.safeUntil !== null && Date.parse(alert?.safeUntil ?? '') === key.deletionDate.getTime() && early > 0,
    );
    key.state = 'Enabled';
    key.deletionDate = undefined;
    stage.tell('The owner runs that command.');
    const verified = await stage.holdfast(user, ['passkey', 'verify', old]);
    stage.look('The old passkey opens again.', verified.status === 0);
    await stage.noAlert(user, 'keyEndangered');
    await stage.restores(user, point);

    stage.tell(
      'Then the safe order, on the bucket in memory, since locks of a real store do not age by a word: all of the daemon runs in this process.',
    );
    const later = await newKms(stage);
    const { wire: kmsLater } = later;
    const { world, point: stored } = await weeks(
      stage,
      {
        target: { kind: 'awsKms', keyId: 'alias/holdfast', region: kmsLater.region },
        access: { kind: 'awsKms', endpoint: kmsLater.endpoint, credentials: { source: 'chain' } },
      },
      awsLogin,
    );
    await safeOrder(stage, world, stored, /^aws kms schedule-key-deletion .*--pending-window-in-days 30/);
    stage.look(
      'KMS has been told to delete the old key in 30 days, and the new one is untouched.',
      later.key.state === 'PendingDeletion' && [...kmsLater.keys.values()].filter(({ state }) => state === 'Enabled').length === 1,
    );
  },
};

const configOf = z.object({ data: z.object({ min_decryption_version: z.int() }) });

async function minimumOf(server: OpenBaoServer): Promise<number> {
  return configOf.parse((await server.send('GET', `transit/keys/${transitKey}`)).body).data.min_decryption_version;
}

const raisedMinimum: Drill = {
  id: 'D2',
  title: 'min_decryption_version is raised at once after a rotation',
  play: async (stage) => {
    const server = await stage.newOpenBao();
    stage.tell("First on SeaweedFS and OpenBao, by the command line, at today's date.");
    const { user, point } = await userOn(stage, async (made) => await onVault(server, made));
    const handed = await stage.holdfast(user, ['passkey', 'rotate', 'office']);
    stage.look(
      'The token may not rotate: exit 4, with the command for whoever may.',
      handed.status === 4 && /vault write .* -f transit\/keys\/drill\/rotate/.test(handed.text),
    );
    await server.write(`transit/keys/${transitKey}/rotate`);
    stage.tell('The operator of Vault runs it.');
    const rotated = await stage.holdfast(user, ['passkey', 'rotate', 'office']);
    stage.look(
      'The same call goes on with the new version, and keeps the old passkey.',
      rotated.status === 0 && (await oldNameOf(user)) === 'office@v1',
    );
    await refuses(stage, user, 'office@v1');

    await server.write(`transit/keys/${transitKey}/config`, { min_decryption_version: 2 });
    stage.tell('Somebody raises min_decryption_version to 2 at once, as "old versions are to go after a rotation".');
    await stage.holdfast(user, ['passkey', 'verify', 'office@v1']);
    await endangered(stage, user, /vault write .* transit\/keys\/drill\/config min_decryption_version=1/);
    await server.write(`transit/keys/${transitKey}/config`, { min_decryption_version: 1 });
    stage.tell('The operator runs that command.');
    const verified = await stage.holdfast(user, ['passkey', 'verify', 'office@v1']);
    stage.look('The old version opens again.', verified.status === 0);
    await stage.noAlert(user, 'keyEndangered');
    await stage.restores(user, point);

    stage.tell(
      'Then the safe order, on the bucket in memory, whose clock can be moved, and a real OpenBao, with a token that may rotate and raise.',
    );
    const later = await stage.newOpenBao();
    await later.createKey(transitKey);
    const tokenFile = path.join(user.scratch.folder, 'token of the operator');
    writeFileSync(tokenFile, later.rootToken, { mode: 0o600 });
    const { world, point: stored } = await weeks(
      stage,
      {
        target: { kind: 'vaultTransit', address: later.address, namespace: null, mount: 'transit', key: transitKey },
        access: { kind: 'vaultTransit', login: { method: 'tokenFile', tokenFile }, caFile: null },
      },
      {},
    );
    await safeOrder(stage, world, stored, /^vault write .* transit\/keys\/drill\/config min_decryption_version=2$/);
    stage.look('min_decryption_version is 2 now: what the old version wrapped opens nowhere any more.', (await minimumOf(later)) === 2);
  },
};

/** What goes wrong around keys of KMS and Vault. */
export const passkeys: readonly Drill[] = [deletedKmsKey, raisedMinimum];
