import assert from 'node:assert/strict';
import { awsCreateSuccessorCommand, awsMoveAliasCommand, awsScheduleDeletionCommand } from '../../../../../protocol/keyCommands.ts';
import { openAt, problemOf } from '../../../../support/kmsBench.ts';
import { KmsWireServer, refusal, type WireKey } from '../../../../support/servers/kmsWire.ts';

describe('the rotation of a key at AWS KMS', () => {
  let wire: KmsWireServer;
  let key: WireKey;
  const step = { act: 'createSuccessor', tag: 'r-1', alias: 'alias/backup' } as const;
  const policy = '{"Version":"2012-10-17","Statement":[{"Sid":"ours"}]}';
  beforeEach(async () => {
    wire = await KmsWireServer.start();
    key = wire.createKey({ policy, description: "the team's key", tags: [{ TagKey: 'team', TagValue: 'a, b' }] });
    wire.aliases.set('alias/backup', key.id);
  });
  afterEach(async () => await wire[Symbol.asyncDispose]());

  it('makes a key with policy, description and tags of the old one, and a tag that says whose it is', async () => {
    const facts = await (await openAt(wire, key.arn)).act(step);
    const made = [...wire.keys.values()].at(-1);
    assert.deepEqual(
      [facts.kind === 'awsKms' && facts.keyArn, made?.policy, made?.description, made?.tags],
      [
        made?.arn,
        policy,
        "the team's key",
        [
          { TagKey: 'team', TagValue: 'a, b' },
          { TagKey: 'holdfast-successor-of', TagValue: 'r-1' },
        ],
      ],
    );
    assert.equal(wire.aliases.get('alias/backup'), key.id);
  });

  it('X2: finds the key that it made again where the answer was lost, among many others', async () => {
    for (let count = 0; count < 250; count += 1) wire.createKey();
    wire.lie = ({ action }) => (action === 'CreateKey' ? 'cut' : undefined);
    assert.equal((await problemOf((await openAt(wire, key.arn)).act(step))).kind, 'unreachable');
    assert.equal(wire.actions().filter((action) => action === 'CreateKey').length, 1);
    const made = [...wire.keys.values()].at(-1);
    wire.lie = () => undefined;
    const facts = await (await openAt(wire, key.arn)).act(step);
    assert.deepEqual([facts.kind === 'awsKms' && facts.keyArn, wire.keys.size], [made?.arn, 252]);
  });

  it('makes another key where the one with the tag is going to be deleted', async () => {
    const dead = wire.createKey({ policy, state: 'PendingDeletion', tags: [{ TagKey: 'holdfast-successor-of', TagValue: 'r-1' }] });
    const facts = await (await openAt(wire, key.arn)).act(step);
    assert.ok(facts.kind === 'awsKms' && facts.keyArn !== dead.arn && facts.state === 'Enabled');
  });

  const tags = [{ TagKey: 'holdfast-successor-of', TagValue: 'r-1' }];
  const planted: readonly (readonly [string, Partial<WireKey>, RegExp])[] = [
    ['another policy', { policy: '{"Version":"2012-10-17","Statement":[{"Sid":"theirs"}]}' }, /its policy is not that of arn:aws:kms:/],
    ['a grant beside its policy', { grants: ['arn:aws:iam::111122223333:user/somebody'] }, /it has grants/],
    ['material that somebody brought', { origin: 'EXTERNAL' }, /its material comes from elsewhere/],
    ['copies in other regions', { isMultiRegion: true }, /it can be copied to other regions/],
    [
      'another account',
      { arn: 'arn:aws:kms:eu-test-1:999922223333:key/00000000-1111-4222-8333-444444444444' },
      /another account or region/,
    ],
  ];
  for (const [what, more, why] of planted) {
    it(`C9: takes no key with ${what} for the next one, whatever its tag says`, async () => {
      const evil = wire.createKey({ policy, tags, ...more });
      const problem = await problemOf((await openAt(wire, key.arn)).act({ act: 'checkSuccessor', keyArn: evil.arn }));
      assert.equal(problem.kind, 'notOurs');
      assert.match(problem.reason, why);
      const facts = await (await openAt(wire, key.arn)).act(step);
      assert.ok(facts.kind === 'awsKms' && facts.keyArn !== evil.arn && facts.keyArn !== key.arn);
    });
  }

  it('takes a key of the same policy for the next one', async () => {
    const good = wire.createKey({ policy: `${policy}\n`, tags });
    for (const act of [{ act: 'checkSuccessor', keyArn: good.arn } as const, step]) {
      const facts = await (await openAt(wire, key.arn)).act(act);
      assert.equal(facts.kind === 'awsKms' && facts.keyArn, good.arn);
    }
    assert.equal(wire.keys.size, 2);
  });

  it('C9: trusts no copied key whose copies may have other policies', async () => {
    const old = wire.createKey({ policy, isMultiRegion: true });
    const copied = wire.createKey({ policy, isMultiRegion: true, replicas: ['arn:aws:kms:eu-test-2:111122223333:key/mrk-1'] });
    const problem = await problemOf((await openAt(wire, old.arn)).act({ act: 'checkSuccessor', keyArn: copied.arn }));
    assert.deepEqual([problem.kind, /copies in other regions/.test(problem.reason)], ['accessDenied', true]);
    wire.lie = ({ action }) => {
      if (action === 'GetKeyPolicy') copied.replicas = ['arn:aws:kms:eu-test-2:111122223333:key/mrk-1'];
      return undefined;
    };
    copied.replicas = [];
    assert.equal((await problemOf((await openAt(wire, old.arn)).act({ act: 'checkSuccessor', keyArn: copied.arn }))).kind, 'accessDenied');
    wire.lie = () => undefined;
    copied.replicas = [];
    await (await openAt(wire, old.arn)).act({ act: 'checkSuccessor', keyArn: copied.arn });
  });

  for (const right of ['GetKeyPolicy', 'ListGrants']) {
    it(`C9: neither takes a tagged key nor makes one beside it where it may not ${right}`, async () => {
      const unseen = wire.createKey({ policy, tags });
      wire.denied.add(right);
      for (const act of [step, { act: 'checkSuccessor', keyArn: unseen.arn } as const]) {
        const problem = await problemOf((await openAt(wire, key.arn)).act(act));
        assert.deepEqual([problem.kind, problem.command], ['accessDenied', null]);
        assert.match(problem.reason, new RegExp(`kms:${right} on arn:`));
      }
      assert.equal(wire.keys.size, 2);
    });
  }

  for (const right of ['ListResourceTags', 'ListKeys', 'GetKeyPolicy', 'CreateKey']) {
    it(`without the right to ${right} gives the command that makes the new key and moves the alias`, async () => {
      wire.denied.add(right);
      const problem = await problemOf((await openAt(wire, key.arn)).act(step));
      assert.equal(problem.kind, 'accessDenied');
      assert.match(problem.reason, new RegExp(`^kms:${right} on `));
      assert.equal(
        problem.command,
        awsCreateSuccessorCommand({
          keyArn: key.arn,
          region: wire.region,
          endpoint: wire.endpoint,
          tag: 'r-1',
          tags: right === 'ListResourceTags' ? [] : key.tags,
          description: key.description,
          isMultiRegion: false,
          alias: 'alias/backup',
        }),
      );
      assert.equal(wire.keys.size, 1);
    });
  }

  it('makes no key like one whose material AWS KMS did not make', async () => {
    const { arn } = wire.createKey({ origin: 'EXTERNAL' });
    const problem = await problemOf((await openAt(wire, arn)).act(step));
    assert.deepEqual([problem.kind, problem.command], ['wrongKeyType', null]);
  });

  it('moves the alias, and gives the command where it may not', async () => {
    const other = wire.createKey();
    const move = { act: 'moveAlias', alias: 'alias/backup', keyArn: other.arn } as const;
    wire.denied.add('UpdateAlias');
    const problem = await problemOf((await openAt(wire, key.arn)).act(move));
    const place = { keyArn: other.arn, region: wire.region, endpoint: wire.endpoint };
    assert.deepEqual([problem.kind, problem.command], ['accessDenied', awsMoveAliasCommand(place, 'alias/backup')]);
    wire.denied.clear();
    for (const _ of [1, 2]) await (await openAt(wire, key.arn)).act(move);
    assert.equal(wire.aliases.get('alias/backup'), other.id);
    assert.equal(wire.actions().filter((action) => action === 'UpdateAlias').length, 2, 'once it was refused, once it was done');
  });

  it('moves no alias to what is no key of the region, and none that is not there', async () => {
    const opened = await openAt(wire, key.arn);
    for (const keyArn of ['alias/backup', 'arn:aws:kms:eu-west-9:111122223333:key/00000000-1111-4222-8333-444444444444']) {
      await problemOf(opened.act({ act: 'moveAlias', alias: 'alias/backup', keyArn }));
    }
    assert.equal((await problemOf(opened.act({ act: 'moveAlias', alias: 'not an alias', keyArn: key.arn }))).kind, 'keyMissing');
    assert.equal((await problemOf(opened.act({ act: 'moveAlias', alias: 'alias/other', keyArn: key.arn }))).kind, 'keyMissing');
    assert.equal(wire.aliases.get('alias/backup'), key.id);
  });

  it('takes no alias away from a key that somebody has given it to', async () => {
    const [next, theirs] = [wire.createKey(), wire.createKey({ spec: 'RSA_2048' })];
    wire.aliases.set('alias/backup', theirs.id);
    const problem = await problemOf((await openAt(wire, key.arn)).act({ act: 'moveAlias', alias: 'alias/backup', keyArn: next.arn }));
    assert.deepEqual([problem.kind, problem.reason], ['notOurs', `alias/backup names another key by now, ${theirs.arn}`]);
    assert.equal(wire.aliases.get('alias/backup'), theirs.id);
  });

  it('schedules the deletion of a key by its ARN alone, since an alias may name another by then', async () => {
    assert.equal((await problemOf((await openAt(wire, 'alias/backup')).act({ act: 'scheduleDeletion', days: 30 }))).kind, 'failed');
    assert.equal(key.state, 'Enabled');
    const facts = await (await openAt(wire, key.arn)).act({ act: 'scheduleDeletion', days: 30 });
    assert.equal(facts.kind === 'awsKms' && facts.deletionDate, '2031-01-31T00:00:00.000Z');
  });

  it('takes a deletion that somebody else scheduled meanwhile as it is', async () => {
    wire.lie = ({ action }) => {
      if (action !== 'ScheduleKeyDeletion') return undefined;
      key.deletionDate = new Date('2031-02-03T04:05:06Z');
      return refusal('KMSInvalidStateException', `${key.arn} is pending deletion.`);
    };
    const facts = await (await openAt(wire, key.arn)).act({ act: 'scheduleDeletion', days: 7 });
    assert.equal(facts.kind === 'awsKms' && facts.deletionDate, '2031-02-03T04:05:06.000Z');
  });

  it('gives the command where it may not schedule a deletion', async () => {
    wire.denied.add('ScheduleKeyDeletion');
    const problem = await problemOf((await openAt(wire, key.arn)).act({ act: 'scheduleDeletion', days: 30 }));
    const place = { keyArn: key.arn, region: wire.region, endpoint: wire.endpoint };
    assert.deepEqual([problem.kind, problem.command], ['accessDenied', awsScheduleDeletionCommand(place, 30)]);
  });

  it('has none of the steps of Vault', async () => {
    const opened = await openAt(wire, key.arn);
    for (const act of [{ act: 'rotateKey', newerThan: 1 }, { act: 'raiseMinimum', version: 1 }, { act: 'renewToken' }] as const) {
      assert.equal((await problemOf(opened.act(act))).kind, 'failed');
    }
    assert.deepEqual(wire.requests, []);
  });
});
