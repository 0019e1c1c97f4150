import assert from 'node:assert/strict';
import { passkeyList } from '../../../protocol/methods/passkeys.ts';
import { sessionLock } from '../../../protocol/methods/session.ts';
import { interceptedStore } from '../../support/bucket/interceptedStore.ts';
import { BucketDaemon } from '../../support/bucketDaemon.ts';
import { goneWithin } from '../../support/processes.ts';
import { eventually } from './eventually.ts';
import { hostForSuite } from './host.ts';
import type { Workbench } from './workbench.ts';

const newPassphrase = 'another long passphrase';
const endLimit = 20_000;

/** Holds the daemon where it stores a keyring: in the middle of a rotation, behind the new slot and before its proof. */
class KeyringHold {
  #held = Promise.withResolvers<void>();
  #reached = Promise.withResolvers<void>();
  #isOn = false;

  on(): void {
    this.#held = Promise.withResolvers();
    this.#reached = Promise.withResolvers();
    this.#isOn = true;
  }

  /** Until the daemon has come to it. */
  async reached(): Promise<void> {
    await this.#reached.promise;
  }

  off(): void {
    this.#isOn = false;
    this.#held.resolve();
  }

  /** As a store that is slow: it ends with the call. */
  async pass(signal: AbortSignal | undefined): Promise<void> {
    if (!this.#isOn) return;
    const ended = Promise.withResolvers<never>();
    signal?.addEventListener('abort', () => ended.reject(signal.reason), { once: true });
    this.#reached.resolve();
    await Promise.race([this.#held.promise, ended.promise]);
  }
}

/** The window looks at a daemon in this process. Each test goes on where the one before ended. */
describe('X2: a rotation of a passphrase that is left', () => {
  const host = hostForSuite();
  const ending = new AsyncDisposableStack();
  const hold = new KeyringHold();
  let world: BucketDaemon;
  let workbench: Workbench;
  let point: string;

  /** Name, state, and whether it is in use. */
  const rows = async (): Promise<readonly string[]> => {
    const { items } = await world.daemon.call(passkeyList, {});
    return items.flatMap(({ name, state, inUse }) => (state === 'retired' ? [] : [`${name} ${state}${inUse ? ' in use' : ''}`])).toSorted();
  };
  /** To the passphrase that is typed once more. */
  const rotate = async (passphrase = newPassphrase): Promise<void> => {
    const { quickPick, inputBox } = workbench;
    await quickPick.choose('It opens the backups until I retire it');
    await quickPick.choose('Type my own');
    await inputBox.answer(/^Passphrase/, passphrase);
    await eventually(async () => assert.match(await inputBox.message(), /The same passphrase again/));
  };
  const opens = async (passphrase: string): Promise<void> => {
    await world.daemon.call(sessionLock, {});
    await world.daemon.unlock(passphrase);
  };

  before(async function (this: Mocha.Context) {
    this.timeout(120_000);
    world = ending.use(await BucketDaemon.ready({ protectionPeriod: 7, start: new Date().toISOString() }));
    point = await world.backUp();
    world.wrap = (store) => ({
      ...interceptedStore(store, async (_verb, _key, act) => await act()),
      put: async (key, body, options) => {
        if (key.includes('/keyring/')) await hold.pass(options?.signal);
        return await store.put(key, body, options);
      },
    });
    ending.use((await world.daemon.serve(world.state)) ?? assert.fail());
    workbench = await host.openWindow({ settings: { 'holdfast.stateDirectory': world.state } });
    await workbench.openContainer();
  });

  after(async () => {
    hold.off();
    await ending.disposeAsync();
  });

  it('at any question changes nothing', async () => {
    const { quickPick, inputBox, dialog } = workbench;
    await workbench.runCommand('holdfast.rotatePasskey');
    await quickPick.choose(/^main/);
    await inputBox.answer(/Passphrase of any passkey, to go on/, world.passphrase);
    await quickPick.option('It is retired at once').waitFor();
    await quickPick.cancel();
    await workbench.runCommand('holdfast.rotatePasskey');
    await quickPick.choose(/^main/);
    await rotate();
    await inputBox.cancel();
    await workbench.runCommand('holdfast.rotatePasskey');
    await quickPick.choose(/^main/);
    await quickPick.choose('It is retired at once');
    await quickPick.choose('Generate a passphrase');
    await dialog.waitFor();
    await dialog.press('Cancel');
    await quickPick.option('Generate a passphrase').waitFor();
    await quickPick.cancel();
    assert.deepEqual(await rows(), ['main ready in use']);
  });

  it('by Cancel in its middle goes on with the passphrase that it had', async () => {
    const { quickPick, inputBox, notifications } = workbench;
    hold.on();
    await workbench.runCommand('holdfast.rotatePasskey');
    await quickPick.choose(/^main/);
    await rotate();
    await inputBox.enter(newPassphrase);
    await notifications.waitFor(/Rotating the passkey main/);
    await hold.reached();
    await notifications.press(/Rotating the passkey main/, 'Cancel');
    await workbench.page
      .locator('.statusbar')
      .getByText(/Cancelled: the passkey main goes on with the passphrase that it had/)
      .waitFor();
    await notifications.toast(/Rotating the passkey main/).waitFor({ state: 'detached' });
    hold.off();
    assert.deepEqual(await notifications.texts(), []);
    assert.deepEqual(await rows(), ['main (new) unverified', 'main ready in use']);
    await opens(world.passphrase);
  });

  it('is done by the same again: the new passphrase opens, and nothing of what was cut off stays', async () => {
    const { quickPick, inputBox } = workbench;
    await workbench.runCommand('holdfast.rotatePasskey');
    await quickPick.choose(/^main,/);
    await rotate();
    await inputBox.enter(newPassphrase);
    await workbench.page
      .locator('.statusbar')
      .getByText(/The passkey main has its new passphrase; the old one is main@/)
      .waitFor();
    const [now, old, ...more] = await rows();
    assert.match(old ?? '', /^main@\d{4}-\d\d-\d\d ready$/);
    assert.deepEqual([now, more], ['main ready in use', []]);
    for (const passphrase of [newPassphrase, world.passphrase]) await opens(passphrase);
  });

  it('by closing the window in its middle is ended by the daemon: what was typed opens, and so does what was there', async () => {
    const { quickPick, inputBox } = workbench;
    hold.on();
    await workbench.runCommand('holdfast.rotatePasskey');
    await quickPick.choose(/^main,/);
    await rotate('a third long passphrase');
    await inputBox.enter('a third long passphrase');
    await hold.reached();
    assert.deepEqual(
      (await rows()).slice(0, 2).map((row) => row.replace('.2', '')),
      ['main (new) unverified', 'main ready in use'],
    );
    const pid = host.extensionHostPid();
    await workbench.reload();
    assert.ok(await goneWithin(pid, endLimit), 'the extension host of the window that was closed');
    hold.off();
    await workbench.openContainer();
    await workbench.view('Passkeys').expand();
    await workbench
      .view('Passkeys')
      .row(/^Passkey main@.*\.2,/)
      .waitFor();
    assert.deepEqual(
      (await rows()).map((row) => row.replace(/@\d{4}-\d\d-\d\d/, '@DAY')),
      ['main ready in use', 'main@DAY ready', 'main@DAY.2 ready'],
    );
    for (const passphrase of ['a third long passphrase', newPassphrase, world.passphrase]) await opens(passphrase);
    await world.assertRestores(point);
  });
});
