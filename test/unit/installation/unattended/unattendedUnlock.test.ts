import assert from 'node:assert/strict';
import { UnattendedUnlock } from '../../../../daemon/installation/unattended/unattendedUnlock.ts';
import { WipedBytes } from '../../../../daemon/keys/secretBytes.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import type { UnattendedSource } from '../../../../protocol/methods/unattended.ts';
import { hasOpenService } from '../../../../daemon/installation/passkeys/passkeyRow.ts';
import type { ServiceSlotKey } from '../../../../daemon/installation/passkeys/slotKeys.ts';
import { keyProblemKinds } from '../../../../daemon/keys/agent/keyProblem.ts';
import { InstallationBench } from '../../../support/installationBench.ts';
import { kmsKey, vaultKey } from '../../../support/watchBench.ts';

const never = new AbortController().signal;
const file: UnattendedSource = { kind: 'passphraseFile', path: '/secrets/holdfast' };
const minute = 60_000;

/** An installation whose passphrase is "right", and a source that gives what a test says, or fails. */
class Bench implements AsyncDisposable {
  readonly bench: InstallationBench;
  readonly unattended: UnattendedUnlock;
  /** What the next attempts find; the last one goes on. */
  answers: (string | HoldfastError)[] = ['right'];
  readonly fetched: WipedBytes[] = [];
  readonly waits: number[] = [];
  readonly failures: string[] = [];
  unlocks = 0;
  /** What the next attempts fail with once they have the passphrase. */
  readonly unlockFailures: HoldfastError[] = [];
  /** Called before each wait; may abort or change things. */
  onWait: (wait: number) => void = () => undefined;
  #waitsLeft = 40;

  private constructor(bench: InstallationBench) {
    this.bench = bench;
    const { installation } = bench;
    this.unattended = new UnattendedUnlock({
      settings: installation.catalog.settings,
      clock: {
        now: () => bench.monotonic,
        sleep: (milliseconds, signal) => {
          this.waits.push(milliseconds);
          this.onWait(milliseconds);
          signal?.throwIfAborted();
          this.#waitsLeft -= 1;
          if (this.#waitsLeft === 0) this.unattended.stop();
          return Promise.resolve();
        },
      },
      wallClock: () => bench.now,
      isLocked: () => installation.state === 'locked',
      servicePasskeys: () => installation.passkeys.services(),
      hasOpenService: () => hasOpenService(installation.catalog),
      unlockByService: (signal) => installation.unlock({}, undefined, signal),
      fetch: async () => {
        const answer = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
        if (answer instanceof HoldfastError) throw answer;
        const bytes = new WipedBytes(Uint8Array.from(Buffer.from(answer ?? '')));
        this.fetched.push(bytes);
        return bytes;
      },
      unlock: async (passphrase, signal) => {
        const failure = this.unlockFailures.shift();
        if (failure !== undefined) throw failure;
        await installation.unlock({ passphrase: passphrase }, undefined, signal);
      },
      prove: (passphrase, signal) => installation.passkeys.prove({ passphrase: passphrase }, signal),
      onUnlocked: () => void (this.unlocks += 1),
      onFailed: (error, isLast) => void this.failures.push(`${error.code}${isLast ? ' last' : ''}`),
    });
  }

  static async locked(): Promise<Bench> {
    const made = new Bench(await InstallationBench.ready());
    made.bench.installation.catalog.settings.set('unattended', JSON.stringify(file));
    made.bench.installation.lock();
    return made;
  }

  get state(): string {
    return this.bench.installation.state;
  }

  /** Starts, and lets everything come to rest. */
  async run(): Promise<void> {
    await this.unattended.start();
    await new Promise((resolve) => setImmediate(resolve));
    for (let turn = 0; turn < 400; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.unattended[Symbol.dispose]();
    for (const { bytes } of this.fetched)
      assert.ok(
        bytes.every((byte) => byte === 0),
        'every passphrase is overwritten',
      );
    this.bench[Symbol.dispose]();
    return Promise.resolve();
  }
}

const missing = new HoldfastError('badValue', 'Failed to read the passphrase file /secrets/holdfast: it is not there.');

describe('unattended unlock', () => {
  it('unlocks at the start, once, where it is switched on', async () => {
    await using made = await Bench.locked();
    await made.run();
    assert.equal(made.state, 'unlocked');
    assert.deepEqual([made.unlocks, made.waits, made.failures], [1, [], []]);
    assert.deepEqual(made.unattended.status, { kind: 'passphraseFile', path: '/secrets/holdfast', problem: null, nextTryAt: null });
  });

  it('does nothing where it is off', async () => {
    await using made = await Bench.locked();
    made.bench.installation.catalog.settings.remove('unattended');
    await made.run();
    assert.equal(made.state, 'locked');
    assert.equal(made.fetched.length, 0);
    assert.equal(made.unattended.status, null);
  });

  it('counts as off where a newer version has set what this one does not know, until it is set anew', async () => {
    await using made = await Bench.locked();
    const { settings } = made.bench.installation.catalog;
    assert.equal(made.unattended.isUnknown, false);
    for (const text of ['{"kind":"keychain"}', '{"kind":"passphraseFile","path":"/x","also":1}', 'file /x']) {
      settings.set('unattended', text);
      await made.run();
      assert.deepEqual([made.unattended.status, made.unattended.commands, made.unattended.isUnknown], [null, [], true], text);
    }
    assert.deepEqual([made.state, made.fetched.length, made.failures], ['locked', 0, []]);
    await made.unattended.set(file, never);
    assert.deepEqual([made.unattended.status?.kind, made.unattended.isUnknown], ['passphraseFile', false]);
    settings.set('unattended', '{}');
    assert.equal(made.unattended.off(), true);
  });

  it('looks for what is not there yet ever more seldom, and unlocks once it is', async () => {
    await using made = await Bench.locked();
    made.answers = [...Array.from({ length: 9 }, () => missing), 'right'];
    await made.run();
    assert.equal(made.state, 'unlocked');
    assert.deepEqual(
      made.waits.map((wait) => wait / 1000),
      [5, 10, 20, 40, 80, 160, 320, 600, 600],
    );
    assert.equal(made.unattended.status?.problem, null);
  });

  it('says what is wrong, and when it tries again, for as long as it is locked', async () => {
    await using made = await Bench.locked();
    made.answers = [missing];
    let seen = made.unattended.status;
    made.onWait = () => {
      seen = made.unattended.status;
      made.unattended.stop();
    };
    await made.run();
    assert.equal(seen?.problem, missing.message);
    assert.equal(seen.nextTryAt, '2026-01-02T03:04:10.678Z');
    assert.deepEqual(made.failures, ['badValue']);
  });

  it('a wrong passphrase is tried three times in all, and then no more: locked, with the reason', async () => {
    await using made = await Bench.locked();
    made.answers = ['wrong'];
    await made.run();
    assert.equal(made.state, 'locked');
    assert.equal(made.fetched.length, 3);
    assert.deepEqual(made.waits, [minute, 10 * minute]);
    assert.deepEqual(made.failures, ['wrongSecret', 'wrongSecret', 'wrongSecret last']);
    assert.deepEqual(made.unattended.status, {
      kind: 'passphraseFile',
      path: '/secrets/holdfast',
      problem: 'Failed to unlock unattended: what it gives opens no passkey.',
      nextTryAt: null,
    });
  });

  it('what fails with the right passphrase says nothing of it: it is tried again ever more seldom, as often as it takes', async () => {
    await using made = await Bench.locked();
    for (let time = 0; time < 5; time += 1) made.unlockFailures.push(new HoldfastError('failed', 'Failed to derive the key: no memory.'));
    await made.run();
    assert.equal(made.state, 'unlocked');
    assert.deepEqual(
      made.failures,
      Array.from({ length: 5 }, () => 'failed'),
    );
    assert.deepEqual(
      made.waits.map((wait) => wait / 1000),
      [5, 10, 20, 40, 80],
    );
  });

  it('wrong passphrases count whatever came in between', async () => {
    await using made = await Bench.locked();
    made.answers = ['wrong', missing, 'wrong', missing, missing, 'wrong', 'right'];
    await made.run();
    assert.equal(made.state, 'locked');
    assert.equal(made.fetched.length, 3);
  });

  it('stops where the user locked, and stays locked', async () => {
    await using made = await Bench.locked();
    made.answers = [missing, 'right'];
    made.onWait = () => made.unattended.stop();
    await made.run();
    assert.equal(made.state, 'locked');
    assert.deepEqual(made.failures, ['badValue']);
    assert.equal(made.unattended.status?.problem, null);
  });

  it('ends quietly where somebody unlocked by hand meanwhile', async () => {
    await using made = await Bench.locked();
    made.answers = [missing];
    const unlocked: Promise<void>[] = [];
    made.onWait = () => void unlocked.push(made.bench.installation.unlock({ passphrase: Buffer.from('right') }, undefined, never));
    await made.run();
    await Promise.all(unlocked);
    assert.equal(made.state, 'unlocked');
    assert.equal(made.unlocks, 0);
    assert.equal(made.unattended.status?.problem, null);
  });

  it('is switched on only by what opens a passkey, and shows no command line', async () => {
    await using made = await Bench.locked();
    made.bench.installation.catalog.settings.remove('unattended');
    made.answers = ['wrong'];
    const source: UnattendedSource = { kind: 'command', command: 'secret-tool lookup canary' };
    await assert.rejects(() => made.unattended.set(source, never), { code: 'wrongSecret' });
    assert.equal(made.unattended.status, null);
    made.answers = ['right'];
    const status = await made.unattended.set(source, never);
    assert.deepEqual(status, { kind: 'command', path: null, problem: null, nextTryAt: null });
    assert.equal(made.state, 'locked', 'a proof unlocks nothing');
    await made.run();
    assert.equal(made.state, 'unlocked');
  });

  it('is switched off while it waits: nothing is tried any more', async () => {
    await using made = await Bench.locked();
    made.answers = [missing, 'right'];
    made.onWait = () => void made.unattended.off();
    await made.run();
    assert.equal(made.state, 'locked');
    assert.equal(made.unattended.status, null);
    assert.equal(made.unattended.off(), false);
  });
});

/** Name and state of each passkey. */
function states({ bench }: Bench): readonly string[] {
  return bench.installation.passkeys
    .list({})
    .items.map(({ name, state }) => `${name} ${state}`)
    .toSorted();
}

describe('unattended unlock with passkeys at key services', () => {
  const withService = async (key: ServiceSlotKey = vaultKey, useNow = true): Promise<Bench> => {
    const made = await Bench.locked();
    made.bench.installation.catalog.settings.remove('unattended');
    await made.bench.installation.unlock({ passphrase: Buffer.from('right') }, undefined, never);
    await made.bench.installation.passkeys.add('outside', key, useNow, never);
    made.bench.installation.lock();
    made.bench.keyAgent.calls.length = 0;
    return made;
  };
  const on = (made: Bench): void => made.bench.installation.catalog.settings.set('unattended', JSON.stringify(file));

  for (const useNow of [true, false]) {
    it(`unlocks at the start where one ${useNow ? 'is' : 'is not'} in use, and asks for nothing else`, async () => {
      await using made = await withService(vaultKey, useNow);
      on(made);
      await made.run();
      assert.deepEqual([made.state, made.unlocks, made.fetched.length, made.bench.keyAgent.calls], ['unlocked', 1, 0, ['unwrap']]);
      assert.deepEqual(made.unattended.status, { kind: 'keyService', passkey: 'outside', path: null, problem: null, nextTryAt: null });
    });
  }

  for (const problem of keyProblemKinds) {
    it(`D6: ${problem} at the start leaves it locked, saying so and trying ever more seldom, until that is cured`, async () => {
      await using made = await withService();
      made.bench.keyAgent.problems.set('unwrap', problem);
      let seen = made.unattended.status;
      made.onWait = () => {
        seen ??= made.unattended.status;
        if (made.waits.length === 1) seen = made.unattended.status;
        if (made.waits.length === 10) made.bench.keyAgent.problems.clear();
      };
      await made.run();
      assert.deepEqual([seen?.kind, seen?.passkey, seen?.nextTryAt], ['keyService', 'outside', '2026-01-02T03:04:10.678Z']);
      assert.match(seen?.problem ?? '', new RegExp(`it is ${problem}\\.$`));
      assert.deepEqual(
        made.waits.map((wait) => wait / 1000),
        [5, 10, 20, 40, 80, 160, 320, 600, 600, 600],
      );
      assert.ok(
        made.failures.every((failure) => /^keyService(Refused|Unavailable)$/.test(failure)),
        'none of them is the last',
      );
      assert.equal(made.state, 'unlocked');
      assert.deepEqual(states(made), ['main ready', 'outside ready']);
    });

    it(`D6: ${problem} of the one in use, and another service opens`, async () => {
      await using made = await withService();
      await made.bench.installation.unlock({}, undefined, never);
      await made.bench.installation.passkeys.add('second', kmsKey, false, never);
      made.bench.installation.lock();
      const { keyAgent } = made.bench;
      const call = keyAgent.call.bind(keyAgent);
      keyAgent.call = (asked, secrets, signal) => {
        keyAgent.problems.clear();
        if (asked.call === 'unwrap' && asked.slot.kind === 'vaultTransit') keyAgent.problems.set('unwrap', problem);
        return call(asked, secrets, signal);
      };
      await made.run();
      assert.deepEqual([made.state, made.unlocks, made.waits], ['unlocked', 1, []]);
      assert.equal(made.bench.installation.catalog.passkeys.inUse()?.name, 'outside', 'in use is what the user chose');
    });
  }

  it('takes the passphrase where the service fails, and says what both came to', async () => {
    await using made = await withService();
    on(made);
    made.bench.keyAgent.problems.set('unwrap', 'sealed');
    made.answers = [missing, 'right'];
    let seen = made.unattended.status;
    made.onWait = () => void (seen = made.unattended.status);
    await made.run();
    assert.deepEqual([made.state, made.waits], ['unlocked', [5000]]);
    assert.equal(seen?.problem, `Failed to open the passkey: it is sealed. ${missing.message}`);
    assert.equal(seen.nextTryAt, '2026-01-02T03:04:10.678Z');
  });

  it('goes on with the service after the passphrase was wrong for the last time', async () => {
    await using made = await withService();
    on(made);
    made.bench.keyAgent.problems.set('unwrap', 'unreachable');
    made.answers = ['wrong'];
    let passed = 0;
    const tried = new Map<number, number>();
    made.onWait = (wait) => {
      if (!tried.has(made.fetched.length)) tried.set(made.fetched.length, passed / minute);
      passed += wait;
      if (made.fetched.length === 3) made.bench.keyAgent.problems.clear();
    };
    await made.run();
    assert.deepEqual([made.state, made.fetched.length], ['unlocked', 3]);
    assert.deepEqual([...tried.values()], [0, 1, 11], 'each way waits on its own');
    assert.ok(made.failures.every((failure) => !failure.endsWith('last')));
  });

  it('goes on with the service where the passphrase is switched off meanwhile', async () => {
    await using made = await withService();
    on(made);
    made.bench.keyAgent.problems.set('unwrap', 'unreachable');
    made.answers = [missing];
    made.onWait = () => {
      if (made.waits.length !== 1) return;
      made.bench.keyAgent.problems.clear();
      made.unattended.off();
    };
    await made.run();
    assert.equal(made.state, 'unlocked');
  });

  it('what was locked by hand stays locked, whatever the service would give', async () => {
    await using made = await withService();
    made.bench.keyAgent.problems.set('unwrap', 'unreachable');
    made.onWait = () => {
      made.bench.keyAgent.problems.clear();
      made.unattended.stop();
    };
    await made.run();
    assert.equal(made.state, 'locked');
    assert.deepEqual(made.unattended.status, { kind: 'keyService', passkey: 'outside', path: null, problem: null, nextTryAt: null });
  });

  it('credentials that only the unlocked daemon can read are no failure of the passkey', async () => {
    const given: ServiceSlotKey = {
      kind: 'service',
      target: vaultKey.target,
      access: { kind: 'vaultTransit', login: { method: 'given' }, caFile: null },
      credentials: { kind: 'vaultTransit', token: 's.canary' },
    };
    await using made = await withService(given);
    made.bench.keyAgent.problems.set('unwrap', 'noCredentials');
    await made.run();
    assert.equal(made.state, 'locked');
    assert.equal(made.unattended.status?.isSealed, true, 'and the status says that somebody has to unlock');
    made.bench.installation.catalog.settings.set('unattended', JSON.stringify(file));
    assert.equal(made.unattended.status.isSealed, undefined, 'but for another way');
    assert.deepEqual(states(made), ['main ready', 'outside ready']);
    await made.bench.installation.unlock({ passphrase: Buffer.from('right') }, undefined, never);
    await assert.rejects(made.bench.installation.passkeys.verify('outside', {}, never), { code: 'keyServiceRefused' });
    assert.deepEqual(states(made), ['main ready', 'outside failing']);
  });
});
