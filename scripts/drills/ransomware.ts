import {
  DeleteBucketEncryptionCommand,
  DeleteBucketLifecycleCommand,
  HeadObjectCommand,
  PutObjectLockConfigurationCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { ImmutableScratch } from '../../test/support/immutableScratch.ts';
import { s3Client } from '../../test/support/servers/s3Server.ts';
import type { Drill, Stage } from './stage.ts';

interface Outcome {
  readonly done: number;
  readonly refused: number;
}

const day = 86_400_000;
const counted = ({ done, refused }: Outcome): string => `${done} done, ${refused} refused`;

/** What is ours and locked, as the store itself tells it. */
async function ours(user: ImmutableScratch): Promise<ReadonlyMap<string, string>> {
  const held = await user.held();
  return new Map(
    held.flatMap(({ key, versionId, mode, until }) =>
      mode === null || key.includes('/canaries/') ? [] : [[versionId, `${key} ${mode} ${until?.toISOString() ?? ''}`] as const],
    ),
  );
}

function stillThere(stage: Stage, before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): void {
  const lost = [...before].filter(([versionId, lock]) => after.get(versionId) !== lock);
  stage.look(`All ${before.size} locked versions are there, with the locks they had, as the store itself tells.`, lost.length === 0);
}

/** As the owner of the bucket, who takes back what the attacker has set. */
async function asOwner(user: ImmutableScratch, act: (client: S3Client, bucket: string) => Promise<unknown>): Promise<void> {
  const client = s3Client(user.bucket.endpoint);
  try {
    await act(client, user.bucket.name);
  } finally {
    client.destroy();
  }
}

async function goesOn(stage: Stage, user: ImmutableScratch): Promise<void> {
  user.write('written after the attack', 'The work goes on.');
  const { status } = await stage.holdfast(user, ['backup', 'files']);
  stage.look('The next backup is whole.', status === 0);
}

const deleteMarkers: Drill = {
  id: 'R1',
  title: 'Delete markers on every key',
  play: async (stage) => {
    const { user, point } = await stage.vault();
    using hand = user.hand();
    const before = await ours(user);
    stage.tell(`The attacker has the daemon's own keys, and puts a delete marker over every key: ${counted(await hand.hideAll())}.`);
    stage.tell('Whoever lists the bucket now sees it empty.');
    await stage.audit(user, ['deleteMarker']);
    await stage.alert(user, 'tampering');
    stillThere(stage, before, await ours(user));
    await stage.restores(user, point);
    await goesOn(stage, user);
  },
};

const garbageVersions: Drill = {
  id: 'R2',
  title: 'Garbage as the newest version of every key',
  play: async (stage) => {
    const { user, point } = await stage.vault();
    using hand = user.hand();
    const before = await ours(user);
    stage.tell(`The attacker puts random bytes over every key: ${counted(await hand.overwriteAll())}.`);
    await stage.audit(user, ['foreignVersion']);
    await stage.alert(user, 'tampering');
    stillThere(stage, before, await ours(user));
    await stage.restores(user, point);
    await goesOn(stage, user);
  },
};

const copyInPlace: Drill = {
  id: 'R3',
  title: "Copies in place under the attacker's key, and a lifecycle of 7 days",
  play: async (stage) => {
    const { user, point } = await stage.vault();
    using hand = user.hand();
    const before = await ours(user);
    const copied = await hand.encryptAllInPlace();
    stage.tell(`The attacker copies every object onto itself with SSE-C, under a key that nobody else has: ${counted(copied)}.`);
    stage.look('SeaweedFS took the copies, so that this is what a real server does.', copied.done > 0);
    stage.tell(`And a lifecycle rule removes what is not the newest after 7 days: ${counted(await hand.setLifecycle(7))}.`);
    await stage.audit(user, ['foreignVersion']);
    await stage.alert(user, 'tampering');
    await stage.holdfast(user, ['immutability', 'refresh']);
    await stage.alert(user, 'locationCriteria');
    stillThere(stage, before, await ours(user));
    await stage.restores(user, point);
    stage.tell('The owner removes the rule.');
    await asOwner(user, async (client, Bucket) => await client.send(new DeleteBucketLifecycleCommand({ Bucket })));
    await stage.holdfast(user, ['immutability', 'refresh']);
    await stage.noAlert(user, 'locationCriteria');
  },
};

/** The same where the store knows SSE-S3: puts name it, so that the default does not count. */
async function onServerWithEncryption(stage: Stage): Promise<void> {
  stage.tell('The same on a SeaweedFS that knows SSE-S3.');
  const { user, point } = await stage.vault(await stage.encrypting);
  using hand = user.hand();
  stage.tell(`The default is changed: ${counted(await hand.changeDefaultEncryption())}.`);
  const known = new Set((await user.held()).map(({ versionId }) => versionId));
  await goesOn(stage, user);
  const put = (await user.held()).filter(({ versionId }) => !known.has(versionId));
  const found = new Set<string>();
  await asOwner(user, async (client, Bucket) => {
    for (const { key: Key, versionId: VersionId } of put) {
      const { ServerSideEncryption } = await client.send(new HeadObjectCommand({ Bucket, Key, VersionId }));
      found.add(ServerSideEncryption ?? 'none');
    }
  });
  stage.look(
    `What it put came under SSE-S3 and not under the attacker's key (${[...found].join(', ')}).`,
    put.length > 0 && [...found].every((one) => one === 'AES256'),
  );
  await stage.restores(user, point);
}

const otherEncryption: Drill = {
  id: 'R4',
  title: "Default encryption under the attacker's key",
  play: async (stage) => {
    const { user, point } = await stage.vault();
    using hand = user.hand();
    stage.tell(
      `What is put without a name of an encryption is to come under the attacker's KMS key: ${counted(await hand.changeDefaultEncryption())}.`,
    );
    await stage.holdfast(user, ['immutability', 'refresh']);
    await stage.alert(user, 'locationCriteria');
    user.write('written after the attack', 'new');
    const { status } = await stage.holdfast(user, ['backup', 'files']);
    const { text } = await stage.holdfast(user, ['restore-point', 'list']);
    stage.look(
      'The backup is refused, and nothing is called stored: this server puts nothing where it has no such key.',
      status === 1 && (text.match(/live/g) ?? []).length === 1,
    );
    await stage.restores(user, point);
    stage.tell('The owner sets the encryption back.');
    await asOwner(user, async (client, Bucket) => await client.send(new DeleteBucketEncryptionCommand({ Bucket })));
    await stage.holdfast(user, ['immutability', 'refresh']);
    await stage.noAlert(user, 'locationCriteria');
    await goesOn(stage, user);
    await onServerWithEncryption(stage);
  },
};

const brokenLocks: Drill = {
  id: 'R5',
  title: 'Locks shortened, weakened and bypassed, on every version',
  play: async (stage) => {
    const { user, point } = await stage.vault();
    using hand = user.hand();
    const before = await ours(user);
    const acts: readonly (readonly [string, () => Promise<Outcome>])[] = [
      ['deletes every version by its id, with bypass', () => hand.deleteAllVersions()],
      ['sets every lock to end in a minute', () => hand.shortenAll()],
      ['makes every lock one of governance', () => hand.downgradeAll()],
      ['deletes every version once more', () => hand.deleteAllVersions()],
      ['suspends versioning', () => hand.suspendVersioning()],
    ];
    for (const [what, act] of acts) stage.tell(`The attacker ${what}: ${counted(await act())}.`);
    stillThere(stage, before, await ours(user));
    await stage.audit(user, []);
    await stage.restores(user, point);
    const { status } = await stage.holdfast(user, ['location', 'prove-lock', 'store']);
    stage.look('The lock proof says so by itself: enforced.', status === 0);
  },
};

const century: Drill = {
  id: 'R8',
  title: 'Locks of a hundred years',
  play: async (stage) => {
    const { user, point } = await stage.vault();
    using hand = user.hand();
    stage.tell(
      `The attacker locks every version for a hundred years, so that it has to be paid for: ${counted(await hand.lockForACentury())}.`,
    );
    await stage.audit(user, ['prolongedLock']);
    await stage.alert(user, 'tampering');
    stage.tell(`And what is put from now on is locked for so long by default: ${counted(await hand.setDefaultRetention())}.`);
    await stage.holdfast(user, ['immutability', 'refresh']);
    await stage.alert(user, 'locationCriteria');
    const known = new Set((await user.held()).map(({ versionId }) => versionId));
    await goesOn(stage, user);
    const put = (await user.held()).filter(({ versionId }) => !known.has(versionId));
    const longest = Date.now() + (user.protectionPeriodDays + 31) * day;
    stage.look(
      `Holdfast itself asks for no longer lock than its plan: what the backup put (${put.length} objects) ends within ${user.protectionPeriodDays + 31} days.`,
      put.length > 0 && put.every(({ until }) => until !== null && until.getTime() < longest),
    );
    await stage.restores(user, point);
    stage.tell('The owner takes the default back.');
    const ObjectLockConfiguration = { ObjectLockEnabled: 'Enabled' as const };
    await asOwner(
      user,
      async (client, Bucket) => await client.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration })),
    );
    await stage.holdfast(user, ['immutability', 'refresh']);
    await stage.noAlert(user, 'locationCriteria');
  },
};

/** What a holder of the daemon's credentials, or an administrator of the account, does to a bucket. */
export const ransomware: readonly Drill[] = [deleteMarkers, garbageVersions, copyInPlace, otherEncryption, brokenLocks, century];
