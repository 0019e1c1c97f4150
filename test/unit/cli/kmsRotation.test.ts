import assert from 'node:assert/strict';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { Passkey } from '../../../protocol/methods/passkeys.ts';
import { FakeDaemon } from './fakeDaemon.ts';
import { runWith } from './fakeHost.ts';
import { otherId, passkey } from './samples.ts';

const arn = (number: number): string => `arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-4000-8000-00000000000${number}`;
const cloud: Passkey = {
  ...passkey,
  slotId: otherId,
  name: 'cloud',
  kind: 'awsKms',
  reference: { keyArn: arn(1), alias: 'alias/backup', region: 'eu-west-1' },
};
const question = `Is ${arn(7)} the next key? alias/backup names it by now.`;

/** Asks about key 7 unless a key is named. */
function asking(): FakeDaemon {
  const items = [cloud, { ...passkey, name: 'paper' }, { ...cloud, slotId: passkey.slotId, name: 'office', kind: 'vaultTransit' }];
  return new FakeDaemon({
    'passkey.list': () => ({ items, next: null }),
    'passkey.rotate': ({ keyArn }) => {
      if (keyArn !== undefined) throw new HoldfastError('refusedByRule', 'Failed to rotate: this is as far as it goes.');
      throw new HoldfastError('confirmationNeeded', question, { details: { keyArn: arn(7) } });
    },
  });
}

describe('cli passkey rotate, where a KMS key that somebody else made may be the next one', () => {
  const rotate = ['passkey', 'rotate', 'cloud'];

  it('C9: asks about the very key, and names that one and no other to the daemon', async () => {
    const daemon = asking();
    const { questions, err, status } = await runWith(rotate, { daemon, answers: ['y'] });
    assert.deepEqual([status, questions.length], [4, 1]);
    assert.ok(err.includes(question), err);
    assert.deepEqual(
      daemon.of('passkey.rotate').map(({ params }) => params['keyArn']),
      [undefined, arn(7)],
    );
  });

  it('C9: takes it for --yes, and for nobody who does not say so', async () => {
    const daemon = asking();
    assert.equal((await runWith([...rotate, '--yes'], { daemon })).status, 4);
    assert.equal(daemon.of('passkey.rotate').at(-1)?.params['keyArn'], arn(7));
    const silent = asking();
    const refused = await runWith(rotate, { daemon: silent });
    assert.deepEqual([refused.status, silent.of('passkey.rotate').length], [2, 1]);
    assert.ok(refused.err.includes(arn(7)), refused.err);
    assert.notEqual((await runWith(rotate, { daemon: silent, answers: ['n'] })).status, 0);
    assert.equal(silent.of('passkey.rotate').length, 2);
  });

  it('takes the next key by its ARN, and by nothing else', async () => {
    const daemon = asking();
    assert.equal((await runWith([...rotate, '--key-arn', arn(9)], { daemon })).status, 4);
    assert.equal(daemon.of('passkey.rotate')[0]?.params['keyArn'], arn(9));
    for (const args of [
      ['cloud', '--key-arn', 'alias/backup'],
      ['cloud', '--key-arn', arn(9), '--no-schedule'],
      ['paper', '--key-arn', arn(9)],
      ['office', '--key-arn', arn(9)],
    ]) {
      assert.equal((await runWith(['passkey', 'rotate', ...args], { daemon })).status, 2, args.join(' '));
    }
    assert.equal(daemon.of('passkey.rotate').length, 1);
  });
});

describe('cli passkey vault-policy', () => {
  it('takes a mount with slashes at its ends, as adding a passkey does', async () => {
    for (const mount of ['team/transit', '/team/transit/', 'team/transit/', '/team/transit']) {
      const { out, status } = await runWith(['passkey', 'vault-policy', '--key', 'holdfast', '--mount', mount], { isRunning: false });
      assert.deepEqual([status, out.split('\n')[0]], [0, 'path "team/transit/encrypt/holdfast" {'], mount);
    }
  });
});
