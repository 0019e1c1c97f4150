import type { DaemonEvent, EventName } from '../../protocol/events.ts';

/** Each subject is told of at most ten times a second. */
const spacingMilliseconds = 100;

export interface EventClock {
  /** Calls back once; does not keep the process alive. */
  after(milliseconds: number, callback: () => void): void;
}

/** A session's end of the events. */
export interface EventOutlet {
  /** More is waiting to be sent than a client that keeps up would have. */
  isBehind(): boolean;
  send(event: DaemonEvent): void;
  /** Calls back once when `isBehind` has become false. */
  whenCaughtUp(callback: () => void): void;
}

interface Subscription {
  readonly names: ReadonlySet<EventName>;
  missed: boolean;
}

/** Tells sessions what changed: the newest of each subject at most every 100 ms, and one "look again" to a client that fell behind. */
export class EventHub {
  readonly #clock: EventClock;
  readonly #subscriptions = new Map<EventOutlet, Subscription>();
  /** Subjects told of in the last 100 ms; `waiting` where there is something newer to tell. */
  readonly #recent = new Map<string, { waiting: DaemonEvent | undefined }>();

  constructor(clock: EventClock = processClock()) {
    this.#clock = clock;
  }

  /** Replaces what the session heard before. */
  subscribe(outlet: EventOutlet, names: readonly EventName[]): void {
    if (names.length === 0) this.#subscriptions.delete(outlet);
    else this.#subscriptions.set(outlet, { names: new Set(names), missed: false });
  }

  unsubscribe(outlet: EventOutlet): void {
    this.#subscriptions.delete(outlet);
  }

  publish(event: DaemonEvent): void {
    const subject = `${event.name} ${event.subject}`;
    const recent = this.#recent.get(subject);
    if (recent !== undefined) {
      recent.waiting = event;
      return;
    }
    this.#tell(subject, event);
  }

  #tell(subject: string, event: DaemonEvent): void {
    const entry: { waiting: DaemonEvent | undefined } = { waiting: undefined };
    this.#recent.set(subject, entry);
    for (const [outlet, subscription] of this.#subscriptions) {
      if (subscription.names.has(event.name)) this.#deliver(outlet, subscription, event);
    }
    this.#clock.after(spacingMilliseconds, () => {
      this.#recent.delete(subject);
      if (entry.waiting !== undefined) this.#tell(subject, entry.waiting);
    });
  }

  #deliver(outlet: EventOutlet, subscription: Subscription, event: DaemonEvent): void {
    if (subscription.missed) return;
    if (!outlet.isBehind()) {
      outlet.send(event);
      return;
    }
    subscription.missed = true;
    outlet.whenCaughtUp(() => {
      subscription.missed = false;
      if (this.#subscriptions.has(outlet)) outlet.send({ name: 'lookAgain', subject: '' });
    });
  }
}

function processClock(): EventClock {
  return {
    after: (milliseconds, callback) => {
      setTimeout(callback, milliseconds).unref();
    },
  };
}
