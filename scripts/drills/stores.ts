import { DeleteObjectCommand, PutObjectRetentionCommand } from '@aws-sdk/client-s3';
import * as z from 'zod';
import { alertList } from '../../protocol/methods/alerts.ts';
import { immutabilityStatus } from '../../protocol/methods/immutability.ts';
import { AttackersHand } from '../../test/support/bucket/attackersHand.ts';
import { BucketDaemon } from '../../test/support/bucketDaemon.ts';
import { locationDocument } from '../../test/support/cliShapes.ts';
import type { HeldVersion, ImmutableScratch } from '../../test/support/immutableScratch.ts';
import { s3Client } from '../../test/support/servers/s3Server.ts';
import type { Drill } from './stage.ts';

const days = 30;
const hoursOfDay = 24;

const stoppedExtender: Drill = {
  id: 'R7',
  title: 'The daemon is stopped for the period less a day',
  play: async (stage) => {
    stage.tell('On the bucket in memory, since its clock can be moved: all of the daemon runs in this process.');
    const world = stage.use(await BucketDaemon.ready({ protectionPeriod: days, seed: stage.seed }));
    const point = await world.backUp();
    const { safeUntil } = await world.daemon.call(immutabilityStatus, {});
    stage.tell(
      `A restore point is made, locked for ${days} days ahead; by the ledger all is as promised until ${safeUntil ?? 'nobody knows'}.`,
    );
    await world.stop();
    world.clock.leap((days - 1) * hoursOfDay * 3_600_000);
    stage.tell(`Somebody stops the daemon. ${days - 1} days later the attacker comes back for what is stored.`);
    const hand = new AttackersHand(world.bucket, { seed: stage.seed });
    for (const [what, act] of [
      ['deletes every version by its id', () => hand.deleteAllVersions()],
      ['shortens every lock', () => hand.shortenAll()],
      ['puts a delete marker over every key', () => hand.hideAll()],
    ] as const) {
      const { done, refused } = act();
      stage.tell(`The attacker ${what}: ${done} done, ${refused} refused.`);
    }
    await world.start();
    const told = (await world.daemon.call(alertList, { all: false })).items.map(({ kind, message }) => `${kind}: ${message}`);
    for (const alert of told) stage.tell(`Alert: ${alert}`);
    stage.look(
      'The daemon says as it starts that it was away for too long.',
      told.some((alert) => alert.startsWith('extenderStopped')),
    );
    await world.unlock();
    await world.idle();
    const status = await world.daemon.call(immutabilityStatus, {});
    stage.tell(`It refreshes at once, and all is as promised until ${status.safeUntil ?? 'nobody knows'}.`);
    stage.look('Everything is locked again for the whole period.', Date.parse(status.safeUntil ?? '') > world.clock.storeMs);
    let isWhole = true;
    await world.assertRestores(point).catch((error: unknown) => {
      isWhole = false;
      stage.tell(String(error));
    });
    stage.look(`Restore point ${point.slice(0, 8)} comes back, each byte, mode and time of it.`, isWhole);
    await world.pass(1);
    const open = (await world.daemon.call(alertList, { all: false })).items.map(({ kind }) => kind);
    stage.look('The alert has resolved itself.', !open.includes('extenderStopped'));
  },
};

const liar: Drill = {
  id: 'S7',
  title: 'A store that shows locks and does not keep them',
  play: async (stage) => {
    const server = await stage.moto;
    const user = stage.newUser(await server.createBucket());
    await user.scratch.json(z.looseObject({}), ['init', '--passphrase-file', user.scratch.passphraseFile]);
    stage.tell('moto says that Object Lock is on, and lets anybody shorten a lock.');
    const { status, text } = await stage.holdfast(user, user.adding(), /^(fail|warn| {6})|^Failed|^holdfast/);
    const locations = await user.scratch.json(z.array(locationDocument), ['location', 'list']);
    stage.look('It is refused, with the check that saw through it and a way out.', status !== 0 && /^fail /m.test(text));
    stage.look(
      'Nothing there is called immutable.',
      locations.every(({ immutable }) => !immutable) && !text.includes('locked (compliance)'),
    );
  },
};

const vanishedPack: Drill = {
  id: 'S9',
  title: 'Stored packs vanish, or are short of lock, before the next backup relies on them',
  play: async (stage) => {
    const user = stage.newUser(await (await stage.seaweed).createBucket());
    await user.scratch.json(z.looseObject({}), ['init', '--passphrase-file', user.scratch.passphraseFile]);
    await stage.holdfast(user, [...user.adding(), '--lock-mode', 'governance']);
    const { status } = await stage.holdfast(user, ['location', 'prove-lock', 'store'], /bypass|Failed|credentials/i);
    const [location] = await user.scratch.json(z.array(locationDocument), ['location', 'list']);
    stage.look(
      'Governance can be bypassed with these keys: the lock proof has tried it, and the location is not called immutable.',
      status !== 0 && location?.immutable === false && location.lockProof?.verdict === 'bypassable',
    );
    const created = await user.scratch.cli(['policy', 'create', 'files', '--source', user.source, '--location', 'store']);
    stage.look('A policy stores there all the same.', created.status === 0);
    await stage.holdfast(user, ['backup', 'files']);
    const packs = (await user.held()).filter(({ key }) => key.includes('/packs/'));
    const client = s3Client(user.bucket.endpoint, user.identity);
    try {
      for (const { key: Key, versionId: VersionId } of packs) {
        await client.send(new DeleteObjectCommand({ Bucket: user.bucket.name, Key, VersionId, BypassGovernanceRetention: true }));
      }
    } finally {
      client.destroy();
    }
    stage.tell(
      `The attacker bypasses governance and deletes all ${packs.length} packs. The catalog still has them, and what changes next is one file.`,
    );
    user.write('one new file', 'new');
    const backup = await stage.holdfast(user, ['backup', 'files']);
    stage.look('The backup sees that packs are gone before it says done, and puts anew what they held.', backup.status === 0);
    const listed = await user.scratch.json(z.array(z.looseObject({ id: z.string() })), ['restore-point', 'list']);
    await stage.restores(user, listed[0]?.id ?? '');
    await stage.audit(user, ['missingVersion']);
    const alert = (await user.alerts()).find(({ kind }) => kind === 'tampering');
    if (alert !== undefined) stage.tell(`Alert: ${alert.message} ${alert.fix ?? ''}`);
    stage.look(
      'The alert tampering is open and has a way out; nothing says that all is safe.',
      alert?.fix !== null && alert?.safeUntil === null,
    );
    const short = await endInAMinute(user);
    stage.tell(`The attacker bypasses governance once more: the locks of ${short.size} packs are to end in a minute.`);
    user.write('one more file', 'newer');
    const next = await stage.holdfast(user, ['backup', 'files']);
    const longAgain = async (): Promise<number> => {
      const period = Date.now() + user.protectionPeriodDays * hoursOfDay * 3_600_000;
      return (await packsOf(user)).filter(({ key, until }) => short.has(key) && (until?.getTime() ?? 0) > period).length;
    };
    const reached = await longAgain();
    stage.tell(`Before it said done, it has locked ${reached} of them for the whole period again: those that it reaches.`);
    stage.look('No restore point counts on a lock that is too short.', next.status === 0 && reached > 0);
    await stage.holdfast(user, ['immutability', 'audit'], /shortened|findings/);
    await stage.holdfast(user, ['immutability', 'refresh']);
    stage.look(
      'The audit finds those that only earlier restore points reach, and they are locked again too.',
      (await longAgain()) === short.size,
    );
  },
};

/** The packs that are there, whoever put them. */
async function packsOf(user: ImmutableScratch): Promise<readonly HeldVersion[]> {
  return (await user.held()).filter(({ key, isDeleteMarker }) => key.includes('/packs/') && !isDeleteMarker);
}

/** Sets the locks of all packs short, with bypass; gives their keys. */
async function endInAMinute(user: ImmutableScratch): Promise<ReadonlySet<string>> {
  const packs = await packsOf(user);
  const Retention = { Mode: 'GOVERNANCE', RetainUntilDate: new Date(Math.ceil(Date.now() / 1000 + 60) * 1000) } as const;
  const client = s3Client(user.bucket.endpoint, user.identity);
  try {
    for (const { key: Key, versionId: VersionId } of packs) {
      await client.send(
        new PutObjectRetentionCommand({ Bucket: user.bucket.name, Key, VersionId, Retention, BypassGovernanceRetention: true }),
      );
    }
  } finally {
    client.destroy();
  }
  return new Set(packs.map(({ key }) => key));
}

/** Faults and lies of stores, and a daemon that is away. */
export const stores: readonly Drill[] = [stoppedExtender, liar, vanishedPack];
