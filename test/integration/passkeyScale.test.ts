import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Connection } from '../../daemon/catalog/connection.ts';
import type { LedgerObject } from '../../daemon/catalog/objectLedger.ts';
import { Table } from '../../daemon/catalog/table.ts';
import { lockPlan, lockTerms, target } from '../../daemon/locks/lockPlan.ts';
import { packKey } from '../../daemon/repository/names.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import type { SecretRef } from '../../protocol/method.ts';
import {
  passkeyAdd,
  passkeyAddPassphrase,
  passkeyGate,
  passkeyRetire,
  passkeyRotate,
  passkeyUse,
  passkeyVerify,
} from '../../protocol/methods/passkeys.ts';
import type { InitKey } from '../../protocol/methods/session.ts';
import { retentionOf } from '../support/bucket/bucketStore.ts';
import { versionIdOf } from '../support/bucket/bucketVersion.ts';
import { BucketDaemon } from '../support/bucketDaemon.ts';
import { someObject, somePoint } from '../support/catalog.ts';
import { FakeKeyAgent } from '../support/fakeKeyAgent.ts';

const objects = 100_000;
const points = 200;
const protectionPeriod = 30;
const plan = lockPlan(lockTerms({ protectionPeriodDays: protectionPeriod, longestAbsenceDays: 4 }));
const body = randomBytes(16);

const keys = {
  awsKms: {
    target: { kind: 'awsKms', keyId: 'alias/backup', region: 'eu-west-1' },
    access: { kind: 'awsKms', endpoint: null, credentials: { source: 'chain' } },
  },
  vaultTransit: {
    target: { kind: 'vaultTransit', address: 'https://vault.example', namespace: null, mount: 'transit', key: 'holdfast' },
    access: { kind: 'vaultTransit', login: { method: 'environment' }, caFile: null },
  },
} as const satisfies Record<string, InitKey>;
const kinds = ['passphrase', 'awsKms', 'vaultTransit'] as const;
type Kind = (typeof kinds)[number];

/** In the order of all indexes of the ledger, so that its file grows at the end alone. */
const objectIdOf = (number: number): Uint8Array => Buffer.from(number.toString(16).padStart(32, '0'), 'hex');

/** Packs as a backup puts and records them, and restore points that reach them. */
function fill({ bucket, catalog, clock, locationId, state }: BucketDaemon): void {
  const { installationId } = catalog.installation.get() ?? assert.fail();
  const { policyId } = catalog.policies.list()[0] ?? assert.fail();
  const storeId = catalog.locations.get(locationId)?.storeId ?? assert.fail();
  const now = clock.wall();
  const until = target(plan, now);
  const retention = retentionOf({ mode: 'compliance', until });
  const lock = { retainUntil: until.toISOString(), lockReadAt: now.toISOString() };
  const first = catalog.objects.lastNumber(locationId) + 1;
  const connection = new Connection(new DatabaseSync(path.join(state, 'catalog.db')));
  connection.database.exec('PRAGMA cache_size = -100000');
  const table = new Table<LedgerObject>(connection, 'objects');
  try {
    connection.transaction(() => {
      for (let number = first; number < first + objects; number += 1) {
        const objectKey = packKey(installationId, policyId, objectIdOf(number));
        const version = bucket.put(objectKey, body, { ifNoneMatch: true, retention });
        const facts = { policyId, versionId: versionIdOf(version), size: version.size, number };
        table.insert(someObject(locationId, objectKey, { ...facts, ...lock }));
      }
    });
  } finally {
    connection.close();
  }
  catalog.transaction(() => {
    for (let made = 0; made < points; made += 1) {
      const point = somePoint(policyId, made + 1, { storeId });
      catalog.restorePoints.add(point);
      const reached = Array.from({ length: objects / points }, (_, index) => first + made * (objects / points) + index);
      catalog.reaches.record({ restorePointId: point.id, locationId, policyId }, reached);
    }
  });
}

type Asked = readonly string[];
const aboutBucket = /Bucket|Configuration$/;

/** All that is done with passkeys of a kind, by the user; what each change asked of the bucket, without what is random in names. */
async function change(world: BucketDaemon, kind: Kind): Promise<ReadonlyMap<string, Asked>> {
  const { daemon, bucket } = world;
  const asked: string[] = [];
  bucket.beforeCall = (verb, key) => {
    // How the bucket is set is looked at now and then, whoever does what.
    if (!aboutBucket.test(verb)) asked.push(`${verb} ${key.replace(/^[0-9a-f-]{36}/, 'ID').replace(/-[0-9a-f]{32}$/, '')}`);
  };
  const found = new Map<string, Asked>();
  const step = async <Result>(name: string, work: () => Promise<Result>): Promise<Result> => {
    daemon.stepUp.grant();
    asked.splice(0);
    const result = await work();
    await world.idle();
    found.set(name, asked.splice(0));
    return result;
  };
  const secret = (text: string): { readonly passphrase?: SecretRef } => (kind === 'passphrase' ? { passphrase: daemon.secret(text) } : {});
  await step('add and use', async () => {
    const common = { requestId: randomUUID(), name: kind, useNow: true };
    if (kind === 'passphrase') await daemon.call(passkeyAddPassphrase, { ...common, passphrase: daemon.secret('one') });
    else await daemon.call(passkeyAdd, { ...common, ...keys[kind] });
  });
  const { previous } = await step(
    'rotate',
    async () => await daemon.call(passkeyRotate, { requestId: randomUUID(), passkey: kind, ...secret('two') }),
  );
  await step('verify', async () => await daemon.call(passkeyVerify, { passkey: kind, ...secret('two') }));
  await step('use', async () => await daemon.call(passkeyUse, { passkey: 'main' }));
  await step('gate', async () => await daemon.call(passkeyGate, { passkey: previous.slotId }));
  const retired = await step(
    'retire',
    async () => await daemon.call(passkeyRetire, { passkey: previous.slotId, confirmed: true, outside: 'end' }),
  );
  assert.equal(retired.state, 'retired');
  // The first of a key service is refused, since one passkey would be left beside it, and new keyrings leave it out.
  await step('begin to retire', async () => {
    await daemon.call(passkeyRetire, { passkey: kind, confirmed: true, outside: 'leave' }).catch((error: unknown) => {
      if (!HoldfastError.is(error, 'refusedByRule')) throw error;
    });
  });
  return found;
}

async function everyChange(isFilled: boolean): Promise<ReadonlyMap<Kind, ReadonlyMap<string, Asked>>> {
  await using world = await BucketDaemon.ready({ protectionPeriod, keyAgent: new FakeKeyAgent() });
  if (isFilled) fill(world);
  const found = new Map<Kind, ReadonlyMap<string, Asked>>();
  for (const kind of kinds) found.set(kind, await change(world, kind));
  assert.equal(world.catalog.objects.lastNumber(world.locationId) > objects, isFilled);
  assert.equal(world.catalog.restorePoints.list({ limit: points }).items.length, isFilled ? points : 0);
  return found;
}

describe('passkeys of an installation with 100,000 stored objects', function () {
  this.timeout(60_000);

  it('are added, rotated, verified, used and retired without reading or writing any of them, and with the calls that an empty one takes', async () => {
    const found = await everyChange(true);
    for (const [kind, changes] of found) {
      for (const [name, asked] of changes) {
        const what = `${name} of ${kind}: ${asked.join(', ')}`;
        // The marker says that it is the right bucket.
        const beyond = asked.filter((line) => !/ ID\/keyring\/[0-9a-f]{16}$| holdfast-store$/.test(line));
        assert.deepEqual(beyond, [], what);
        const puts = asked.filter((line) => /^(?:Put|Copy|Delete)/.test(line));
        assert.equal(puts.length, ['verify', 'use', 'gate'].includes(name) ? 0 : 1, what);
        assert.ok(
          puts.every((line) => line.startsWith('PutObject ID/keyring/')),
          what,
        );
      }
    }
    assert.deepEqual([...found.keys()], [...kinds]);
    assert.deepEqual(found, await everyChange(false));
  });
});
