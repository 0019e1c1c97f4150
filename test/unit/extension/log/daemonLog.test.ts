import assert from 'node:assert/strict';
import { EventEmitter } from 'vscode';
import { DaemonLog } from '../../../../extension/log/daemonLog.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import type { DaemonEvent } from '../../../../protocol/events.ts';
import type { LogLine } from '../../../../protocol/methods/log.ts';
import { FakeCaller } from '../fakeCaller.ts';
import { noon } from '../samples.ts';

/** A daemon with a log, and what the window's channel shows of it. */
interface Bench {
  readonly written: string[];
  readonly shown: string[];
  readonly caller: FakeCaller;
  readonly followed: DaemonLog;
  /** An event of the daemon's, up to the end of the reading that it brings. */
  readonly happens: () => Promise<void>;
  fault: HoldfastError | undefined;
}

function bench(): Bench {
  const written: string[] = [];
  const shown: string[] = [];
  const events = new EventEmitter<DaemonEvent>();
  let told = Promise.withResolvers<void>();
  const caller = new FakeCaller({
    'log.read': ({ after }) => {
      const from = Number(after ?? Math.max(0, written.length - 2));
      const items = written.slice(from, from + 2).map((message): LogLine => ({ time: noon, level: 'info', message, facts: null }));
      if (items.length === 0 || made.fault !== undefined) setImmediate(told.resolve);
      if (made.fault !== undefined) throw made.fault;
      return { items, cursor: String(from + items.length) };
    },
  });
  const show = (line: string): void => void shown.push(line.replace(`daemon ${noon} `, ''));
  const channel = { error: show, warn: show, info: show, debug: show, trace: show };
  const made: Bench = {
    written,
    shown,
    caller,
    followed: new DaemonLog({ quietly: caller, onEvent: events.event }, channel, 0),
    happens: async (): Promise<void> => {
      told = Promise.withResolvers();
      events.fire({ name: 'action.changed', subject: '' });
      await told.promise;
    },
    fault: undefined,
  };
  return made;
}

describe("the daemon's log in the window's", () => {
  it('begins with the newest lines and goes on with all that come, whenever something happens', async () => {
    const { written, shown, followed, happens, caller } = bench();
    written.push('one', 'two', 'three');
    await followed.follow();
    assert.deepEqual(shown, ['two', 'three']);
    written.push('four', 'five', 'six');
    await happens();
    assert.deepEqual(shown, ['two', 'three', 'four', 'five', 'six']);
    const calls = caller.called('log.read');
    await followed.follow();
    assert.equal(caller.called('log.read'), calls + 1);
    followed.dispose();
  });

  it('says once why it cannot be read, and repeats no line afterwards', async () => {
    const made = bench();
    const { written, shown, followed, happens } = made;
    written.push('one');
    await followed.follow();
    made.fault = new HoldfastError('diskFailed', 'Failed to read the log: the disk is broken.', { fix: 'Mend it.' });
    await happens();
    await happens();
    made.fault = undefined;
    written.push('two');
    await happens();
    assert.deepEqual(shown, ['one', "The daemon's log could not be read: Failed to read the log: the disk is broken.", 'two']);
    followed.dispose();
  });

  it('says nothing of a daemon that is away, and goes on where it was', async () => {
    const made = bench();
    const { written, shown, followed, happens } = made;
    written.push('one');
    await followed.follow();
    made.fault = new HoldfastError('daemonNotRunning', 'Failed to reach the daemon: it does not answer.', { fix: 'Start it.' });
    await happens();
    made.fault = undefined;
    written.push('two');
    await happens();
    assert.deepEqual(shown, ['one', 'two']);
    followed.dispose();
  });

  it('reads nothing before somebody asks for it, and nothing after its end', async () => {
    const { followed, caller, written } = bench();
    written.push('one');
    assert.equal(caller.called('log.read'), 0);
    await followed.follow();
    followed.dispose();
    const calls = caller.called('log.read');
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(caller.called('log.read'), calls);
  });
});
