import assert from 'node:assert/strict';
import { type Passkey, passkeyList } from '../../../protocol/methods/passkeys.ts';
import type { BucketDaemon } from '../../support/bucketDaemon.ts';
import { serviceKeyDaemon } from '../../support/serviceKeyDaemon.ts';
import { KmsWireServer } from '../../support/servers/kmsWire.ts';
import { eventually } from './eventually.ts';
import { hostForSuite } from './host.ts';
import type { Workbench } from './workbench.ts';

/** Real processes ask the service. */
const workLimit = 60_000;

/** Nothing but what the smallest policy allows, so that the next key is somebody else's work. Each test goes on where the one before ended. */
describe('C9: a KMS key that somebody else made, as the next one', () => {
  const host = hostForSuite();
  const ending = new AsyncDisposableStack();
  let wire: KmsWireServer;
  let world: BucketDaemon;
  let workbench: Workbench;

  const inUse = async (): Promise<Passkey> =>
    (await world.daemon.call(passkeyList, {})).items.find((passkey) => passkey.inUse) ?? assert.fail('none is in use');
  const keyArn = async (): Promise<unknown> => (await inUse()).reference['keyArn'];
  const rotate = async (): Promise<void> => {
    const { quickPick } = workbench;
    await workbench.runCommand('holdfast.rotatePasskey');
    await quickPick.choose(/^first,/);
    await quickPick.choose('Rotate Now');
    await quickPick.choose('Leave That as It Is');
  };

  before(async function (this: Mocha.Context) {
    this.timeout(120_000);
    wire = ending.use(await KmsWireServer.start());
    wire.aliases.set('alias/backup', wire.createKey().id);
    wire.allowed = new Set(['Encrypt', 'Decrypt', 'DescribeKey', 'GetKeyRotationStatus']);
    world = ending.use(
      await serviceKeyDaemon({
        key: {
          target: { kind: 'awsKms', keyId: 'alias/backup', region: wire.region },
          access: { kind: 'awsKms', endpoint: wire.endpoint, credentials: { source: 'chain' } },
        },
        environment: { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'of-the-test' },
      }),
    );
    ending.use((await world.daemon.serve(world.state)) ?? assert.fail());
    workbench = await host.openWindow({ settings: { 'holdfast.stateDirectory': world.state } });
    await workbench.openContainer();
  });

  after(async () => await ending.disposeAsync());

  it('that the alias names is asked about by its ARN, and is not the next one without a yes', async () => {
    const { quickPick, dialog } = workbench;
    const before = await keyArn();
    const next = wire.createKey();
    wire.aliases.set('alias/backup', next.id);
    await rotate();
    await eventually(async () => assert.ok((await dialog.message()).includes(`Is ${next.arn} the next key?`)), workLimit);
    assert.match(await dialog.detail(), /alias\/backup names it by now, and this program may not read its policy/);
    assert.deepEqual(await dialog.buttons(), ['Cancel', 'Rotate Passkey first']);
    await workbench.screenshot('form-rotate-successor');
    await dialog.press('Cancel');
    await quickPick.option('Leave That as It Is').waitFor();
    await quickPick.cancel();
    assert.deepEqual([await keyArn(), (await world.daemon.call(passkeyList, {})).items.length], [before, 1]);
  });

  it('is taken with a yes, and no other that the alias names by then', async () => {
    const { quickPick, dialog } = workbench;
    const asked = [...wire.keys.values()].at(-1) ?? assert.fail();
    await rotate();
    await eventually(async () => assert.ok((await dialog.message()).includes(asked.arn)), workLimit);
    wire.aliases.set('alias/backup', wire.createKey().id);
    await dialog.press('Rotate Passkey first');
    await quickPick.option(/was named by you: its policy may not be read here/).waitFor({ timeout: workLimit });
    await quickPick.option(/^alias\/backup names another key by now/).waitFor();
    await quickPick.choose('Done');
    assert.equal(await keyArn(), asked.arn);
  });

  it('is named by its ARN where no alias says which it is, and by nothing else', async () => {
    const { quickPick, inputBox } = workbench;
    await rotate();
    await quickPick.option('Name the Next Key…').waitFor({ timeout: workLimit });
    await quickPick.choose('Copy Command');
    await eventually(async () => assert.match(await workbench.clipboard(), /^aws kms create-key /));
    await quickPick.choose('Name the Next Key…');
    await inputBox.waitFor(/Rotate Passkey/);
    await inputBox.type('alias/backup');
    await eventually(async () => assert.match(await inputBox.message(), /Give the ARN of the key: an alias can name another one/));
    await inputBox.accept();
    const next = wire.createKey();
    await inputBox.enter(next.arn);
    await quickPick.option(new RegExp(`${RegExp.escape(next.arn)} was named by you`)).waitFor({ timeout: workLimit });
    await quickPick.choose('Done');
    assert.equal(await keyArn(), next.arn);
  });
});
