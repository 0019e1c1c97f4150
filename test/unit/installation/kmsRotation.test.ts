import assert from 'node:assert/strict';
import type { Rotated } from '../../../daemon/installation/passkeys/passkeyService.ts';
import type { ServiceSlotKey } from '../../../daemon/installation/passkeys/slotKeys.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { Passkey } from '../../../protocol/methods/passkeys.ts';
import { arnOf } from '../../support/fakeKeyAgent.ts';
import { InstallationBench } from '../../support/installationBench.ts';

const { signal } = new AbortController();
const kmsKey: ServiceSlotKey = {
  kind: 'service',
  target: { kind: 'awsKms', keyId: 'alias/backup', region: 'eu-west-1' },
  access: { kind: 'awsKms', endpoint: null, credentials: { source: 'chain' } },
  credentials: undefined,
};

function arnNow({ reference }: Passkey): unknown {
  return reference['keyArn'];
}

describe('the rotation of a passkey to another KMS key', () => {
  let bench: InstallationBench;
  beforeEach(async () => {
    bench = await InstallationBench.ready();
    await bench.installation.passkeys.add('kms', kmsKey, true, signal);
  });
  afterEach(() => bench[Symbol.dispose]());

  const rotate = async (keyArn?: string, name = 'kms'): Promise<Rotated> =>
    await bench.installation.passkeys.rotate(name, { keyArn }, signal);
  const refusal = async (keyArn?: string): Promise<HoldfastError> => {
    try {
      await rotate(keyArn);
    } catch (error) {
      if (HoldfastError.is(error)) return error;
      throw error;
    }
    throw new RangeError('it went well');
  };
  const deny = (...acts: readonly string[]): void => {
    for (const act of acts) bench.keyAgent.problems.set(act, 'accessDenied');
  };
  const passkeyOf = (keyArn: string): Passkey | undefined =>
    bench.installation.passkeys.list({}).items.find((one) => arnNow(one) === keyArn);

  it('goes on with the key that the alias names, once somebody has run the command', async () => {
    deny('createSuccessor');
    for (const _ of [1, 2]) {
      const { code, details } = await refusal();
      assert.deepEqual([code, details?.['command']], ['refusedByRule', 'do createSuccessor']);
    }
    bench.keyAgent.aliasArn = arnOf(7);
    const rotated = await rotate();
    assert.deepEqual([arnNow(rotated.passkey), rotated.passkey.reference['alias']], [arnOf(7), 'alias/backup']);
    assert.ok(bench.keyAgent.acts.some((act) => act.act === 'checkSuccessor' && act.keyArn === arnOf(7)));
  });

  it('goes on with it also where a verification in between has seen that the alias is another key’s', async () => {
    deny('createSuccessor');
    await refusal();
    bench.keyAgent.aliasArn = arnOf(7);
    assert.equal((await bench.installation.passkeys.verify('kms', {}, signal)).reference['alias'], null);
    assert.equal(arnNow((await rotate()).passkey), arnOf(7));
  });

  it('C9: asks by its ARN about a key whose policy may not be read, and takes no other in its place', async () => {
    deny('createSuccessor', 'checkSuccessor');
    await refusal();
    bench.keyAgent.aliasArn = arnOf(7);
    const asked = await refusal();
    assert.deepEqual([asked.code, asked.details?.['keyArn']], ['confirmationNeeded', arnOf(7)]);
    assert.match(asked.message, new RegExp(`^Is ${arnOf(7)} the next key\\? alias/backup names it by now`));
    assert.ok(asked.fix?.includes(`--key-arn ${arnOf(7)}`));
    assert.equal(bench.keyAgent.calls.filter((call) => call === 'wrap').length, 1, 'nothing was wrapped for it');
    bench.keyAgent.aliasArn = arnOf(8);
    const { passkey, steps } = await rotate(arnOf(7));
    assert.deepEqual([arnNow(passkey), passkey.reference['alias']], [arnOf(7), null]);
    assert.match(steps.join(' '), /was named by you: its policy may not be read here.* alias\/backup names another key by now/);
  });

  it('C9: neither takes a key of another policy nor takes the alias away from it', async () => {
    bench.keyAgent.problems.set('checkSuccessor', 'notOurs');
    bench.keyAgent.aliasArn = arnOf(7);
    assert.equal((await refusal(arnOf(7))).code, 'refusedByRule');
    const { passkey, steps } = await rotate();
    assert.deepEqual([arnNow(passkey), passkey.reference['alias'], bench.keyAgent.aliasArn], [arnOf(2), null, arnOf(7)]);
    assert.ok(steps.includes(`alias/backup names another key by now, ${arnOf(7)}, and was left there.`));
    assert.ok(!bench.keyAgent.calls.includes('moveAlias'));
  });

  it('C9: finds what it made by a tag that nobody can know beforehand, the same one for as long as it is not done', async () => {
    deny('createSuccessor');
    for (const _ of [1, 2]) await refusal();
    bench.keyAgent.problems.clear();
    const first = await rotate();
    await rotate();
    const tags = bench.keyAgent.acts.flatMap((act) => (act.act === 'createSuccessor' ? [act.tag] : []));
    assert.deepEqual([tags[0] === tags[1], tags[1] === tags[2], tags[2] === tags[3]], [true, true, false]);
    assert.ok(!tags.includes(first.previous.slotId) && !tags.includes(first.passkey.slotId));
  });

  it('knows the key that it made where the alias is moved by somebody else', async () => {
    deny('moveAlias', 'checkSuccessor');
    assert.equal((await refusal()).details?.['command'], 'do moveAlias');
    deny('createSuccessor');
    assert.equal((await refusal()).details?.['command'], 'do moveAlias', 'no other key is asked for');
    bench.keyAgent.aliasArn = arnOf(2);
    assert.deepEqual([arnNow((await rotate()).passkey), bench.keyAgent.calls.includes('checkSuccessor')], [arnOf(2), false]);
  });

  it('hands over no command that makes a key where it can not see whether the key rotates by itself', async () => {
    bench.keyAgent.rotatesItself = null;
    deny('createSuccessor');
    const { code, details, message, fix } = await refusal();
    assert.deepEqual([code, details], ['refusedByRule', { problem: 'accessDenied' }]);
    assert.match(`${message} ${fix}`, /kms:GetKeyRotationStatus\), where no next key is needed\. .*aws-policy/);
    bench.keyAgent.problems.clear();
    const { passkey, steps } = await rotate();
    assert.deepEqual(
      [arnNow(passkey), /GetKeyRotationStatus/.test(steps[0] ?? '')],
      [arnOf(2), true],
      'what it may do itself it does, and says so',
    );
    bench.keyAgent.rotatesItself = true;
    assert.equal(arnNow((await rotate()).passkey), arnOf(2));
  });

  it('takes the key that the user names where there is no alias', async () => {
    bench.keyAgent.problems.set('createSuccessor', 'accessDenied');
    bench.keyAgent.aliasArn = arnOf(7);
    await bench.installation.passkeys.verify('kms', {}, signal);
    assert.match((await refusal()).fix ?? '', /rotate again with --key-arn and the ARN that it prints\.$/);
    assert.equal((await refusal(arnOf(1))).code, 'badValue');
    deny('checkSuccessor');
    assert.equal(arnNow((await rotate(arnOf(9))).passkey), arnOf(9));
    await assert.rejects(rotate(arnOf(9), 'main'), { code: 'badValue' });
  });

  it('an alias is the newest slot’s alone, and stays where it is when an old one is rotated', async () => {
    for (const _ of [1, 2]) await rotate();
    const aliases = [1, 2, 3].map((number) => passkeyOf(arnOf(number))?.reference['alias']);
    assert.deepEqual([aliases, bench.keyAgent.aliasArn], [[null, null, 'alias/backup'], arnOf(3)]);
    await rotate(undefined, passkeyOf(arnOf(1))?.slotId);
    assert.deepEqual([bench.keyAgent.aliasArn, passkeyOf(arnOf(4))?.reference['alias']], [arnOf(3), null]);
  });

  it('an alias goes on with a key that is only wrapped under anew', async () => {
    bench.keyAgent.rotatesItself = true;
    const { passkey, previous } = await rotate();
    assert.deepEqual([passkey.reference['alias'], previous.reference['alias']], ['alias/backup', null]);
  });

  it('a verification drops an alias that names another key, and keeps one of which nobody can tell', async () => {
    const verified = async (): Promise<unknown> => (await bench.installation.passkeys.verify('kms', {}, signal)).reference['alias'];
    assert.equal(await verified(), 'alias/backup');
    bench.keyAgent.problems.set('describe', 'throttled');
    assert.equal(await verified(), 'alias/backup');
    bench.keyAgent.problems.clear();
    bench.keyAgent.aliasArn = arnOf(7);
    assert.equal(await verified(), null);
  });
});
