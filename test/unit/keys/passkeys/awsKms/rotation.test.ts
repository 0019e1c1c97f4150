import assert from 'node:assert/strict';
import { awsCreateSuccessorCommand, awsMoveAliasCommand, awsScheduleDeletionCommand } from '../../../../../protocol/keyCommands.ts';
import { openAt, problemOf } from '../../../../support/kmsBench.ts';
import { KmsWireServer, refusal, type WireKey } from '../../../../support/servers/kmsWire.ts';

describe('the rotation of a key at AWS KMS', () => {
  let wire: KmsWireServer;
  let key: WireKey;
  const policy = '{"Version":"2012-10-17","Statement":[{"Sid":"ours"}]}';
  beforeEach(async () => {
    wire = await KmsWireServer.start();
    key = wire.createKey({ policy, description: "the team's key", tags: [{ TagKey: 'team', TagValue: 'a, b' }] });
    wire.aliases.set('alias/backup', key.id);
  });
  afterEach(async () => await wire[Symbol.asyncDispose]());

  it('makes a key with policy, description and tags of the old one, and a tag that says whose it is', async () => {
    const facts = await (await openAt(wire, 'alias/backup')).act({ act: 'createSuccessor', tag: 'r-1' });
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
    const step = { act: 'createSuccessor', tag: 'r-1' } as const;
    assert.equal((await problemOf((await openAt(wire, key.arn)).act(step))).kind, 'unreachable');
    assert.equal(wire.actions().filter((action) => action === 'CreateKey').length, 1);
    const made = [...wire.keys.values()].at(-1);
    wire.lie = () => undefined;
    const facts = await (await openAt(wire, key.arn)).act(step);
    assert.deepEqual([facts.kind === 'awsKms' && facts.keyArn, wire.keys.size], [made?.arn, 252]);
  });

  it('makes another key where the one with the tag is going to be deleted', async () => {
    const dead = wire.createKey({ state: 'PendingDeletion', tags: [{ TagKey: 'holdfast-successor-of', TagValue: 'r-1' }] });
    const facts = await (await openAt(wire, key.arn)).act({ act: 'createSuccessor', tag: 'r-1' });
    assert.ok(facts.kind === 'awsKms' && facts.keyArn !== dead.arn && facts.state === 'Enabled');
  });

  for (const right of ['ListResourceTags', 'ListKeys', 'GetKeyPolicy', 'CreateKey']) {
    it(`without the right to ${right} gives the command that makes the new key and moves the alias`, async () => {
      wire.denied.add(right);
      const problem = await problemOf((await openAt(wire, 'alias/backup')).act({ act: 'createSuccessor', tag: 'r-1' }));
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
    const problem = await problemOf((await openAt(wire, arn)).act({ act: 'createSuccessor', tag: 'r-1' }));
    assert.deepEqual([problem.kind, problem.command], ['wrongKeyType', null]);
  });

  it('moves the alias, and gives the command where it may not', async () => {
    const other = wire.createKey();
    const step = { act: 'moveAlias', alias: 'alias/backup', keyArn: other.arn } as const;
    wire.denied.add('UpdateAlias');
    const problem = await problemOf((await openAt(wire, key.arn)).act(step));
    const place = { keyArn: other.arn, region: wire.region, endpoint: wire.endpoint };
    assert.deepEqual([problem.kind, problem.command], ['accessDenied', awsMoveAliasCommand(place, 'alias/backup')]);
    wire.denied.clear();
    for (const _ of [1, 2]) await (await openAt(wire, key.arn)).act(step);
    assert.equal(wire.aliases.get('alias/backup'), other.id);
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
