import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { RunControl } from './runMemory.ts';

/** Stands for the message that ends a thread whose run was stopped. */
export class RunStopped extends Error {
  constructor() {
    super('The run was stopped.');
  }
}

/** Sends to a thread that receives through a `Mailbox`: the message, then the ring that wakes it. */
export interface Outbox<Message> {
  send(message: Message, transfer?: readonly (ArrayBuffer | MessagePort)[]): void;
}

export function outboxOf<Message>(port: Pick<MessagePort, 'postMessage'>, control: RunControl, thread: number): Outbox<Message> {
  return {
    send(message, transfer = []) {
      port.postMessage(message, [...transfer]);
      control.wakeThread(thread);
    },
  };
}

/**
 * Receives in a worker thread that runs a synchronous loop: messages are taken when the loop asks, in the order of each port, without a turn of
 * the event loop. The longest wait is short, since a stop must be seen within a second anywhere.
 */
export class Mailbox<Message> {
  readonly #ports: MessagePort[];
  readonly #control: RunControl;
  readonly #thread: number;

  constructor(ports: readonly MessagePort[], control: RunControl, thread: number) {
    this.#ports = [...ports];
    this.#control = control;
    this.#thread = thread;
  }

  addPort(port: MessagePort): void {
    this.#ports.push(port);
  }

  /** The next message, or `undefined` where there is none now. */
  poll(): Message | undefined {
    for (const port of this.#ports) {
      const received: { readonly message: Message } | undefined = receiveMessageOnPort(port);
      if (received !== undefined) return received.message;
    }
    return undefined;
  }

  /** Waits for the next message. Throws `RunStopped` once the run is stopped, unless `evenStopped`. */
  next(evenStopped = false): Message {
    for (;;) {
      const seen = this.#control.threadBell(this.#thread);
      if (!evenStopped && this.#control.isStopped) throw new RunStopped();
      const message = this.poll();
      if (message !== undefined) return message;
      this.#control.waitForThread(this.#thread, seen, 500);
    }
  }
}
