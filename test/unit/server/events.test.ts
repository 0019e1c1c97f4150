import assert from 'node:assert/strict';
import { EventHub, type EventOutlet } from '../../../daemon/server/events.ts';
import type { DaemonEvent } from '../../../protocol/events.ts';

/** A clock that stands still until it is moved. */
class ManualClock {
  #now = 0;
  #waiting: { readonly at: number; readonly callback: () => void }[] = [];

  after(milliseconds: number, callback: () => void): void {
    this.#waiting.push({ at: this.#now + milliseconds, callback });
  }

  move(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (;;) {
      const next = this.#waiting.filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#waiting = this.#waiting.filter((entry) => entry !== next);
      this.#now = next.at;
      next.callback();
    }
    this.#now = end;
  }
}

class Outlet implements EventOutlet {
  readonly heard: string[] = [];
  behind = false;
  #caughtUp: (() => void) | undefined;

  isBehind(): boolean {
    return this.behind;
  }

  send({ name, subject }: DaemonEvent): void {
    this.heard.push(`${name} ${subject}`.trim());
  }

  whenCaughtUp(callback: () => void): void {
    assert.equal(this.#caughtUp, undefined, 'asked once');
    this.#caughtUp = callback;
  }

  catchUp(): void {
    this.behind = false;
    this.#caughtUp?.();
    this.#caughtUp = undefined;
  }
}

const changed = (subject: string): DaemonEvent => ({ name: 'action.changed', subject });

describe('events', () => {
  it('tell of each subject at once, then at most ten times a second, and of the last change in any case', () => {
    const clock = new ManualClock();
    const hub = new EventHub(clock);
    const outlet = new Outlet();
    hub.subscribe(outlet, ['action.changed']);
    for (let millisecond = 0; millisecond < 1000; millisecond += 1) {
      hub.publish(changed('busy'));
      clock.move(1);
    }
    clock.move(1000);
    assert.ok(outlet.heard.length >= 10 && outlet.heard.length <= 11, `${outlet.heard.length}`);
    hub.publish(changed('one'));
    hub.publish(changed('two'));
    assert.deepEqual(outlet.heard.slice(-2), ['action.changed one', 'action.changed two'], 'subjects do not hold each other up');
  });

  it('tell a client that fell behind once to look again, when it has caught up', () => {
    const clock = new ManualClock();
    const hub = new EventHub(clock);
    const [slow, quick] = [new Outlet(), new Outlet()];
    for (const outlet of [slow, quick]) hub.subscribe(outlet, ['action.changed']);
    slow.behind = true;
    for (let index = 0; index < 50; index += 1) hub.publish(changed(`${index}`));
    assert.deepEqual([slow.heard.length, quick.heard.length], [0, 50]);
    slow.catchUp();
    assert.deepEqual(slow.heard, ['lookAgain']);
    hub.publish(changed('after'));
    assert.deepEqual(slow.heard, ['lookAgain', 'action.changed after']);
  });

  it('go to nobody who did not ask, or asks no more', () => {
    const clock = new ManualClock();
    const hub = new EventHub(clock);
    const outlet = new Outlet();
    hub.subscribe(outlet, ['state.changed']);
    hub.publish(changed('x'));
    hub.subscribe(outlet, []);
    hub.publish({ name: 'state.changed', subject: '' });
    clock.move(1000);
    hub.subscribe(outlet, ['state.changed']);
    outlet.behind = true;
    hub.publish({ name: 'state.changed', subject: '' });
    hub.unsubscribe(outlet);
    outlet.catchUp();
    assert.deepEqual(outlet.heard, []);
  });
});
