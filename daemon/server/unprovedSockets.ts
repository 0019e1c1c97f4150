import { randomInt } from 'node:crypto';
import type { Duplex } from 'node:stream';

const socketLimit = 8;
const provingMilliseconds = 2000;

/** Connections whose client has not proved itself: at most eight, each for two seconds from its first byte on. A ninth makes a random one give way, so that nobody can keep the good client out by holding all places. */
export class UnprovedSockets {
  readonly #deadlines = new Map<Duplex, NodeJS.Timeout>();

  get size(): number {
    return this.#deadlines.size;
  }

  admit(socket: Duplex): void {
    if (this.#deadlines.size >= socketLimit) this.#displaceOne();
    const deadline = setTimeout(() => socket.destroy(), provingMilliseconds).unref();
    this.#deadlines.set(socket, deadline);
    socket.once('close', () => this.release(socket));
    socket.on('error', () => socket.destroy());
  }

  /** The socket is proved, or gone. */
  release(socket: Duplex): void {
    clearTimeout(this.#deadlines.get(socket));
    this.#deadlines.delete(socket);
  }

  destroyAll(): void {
    for (const socket of this.#deadlines.keys()) socket.destroy();
  }

  /** `destroy` tells of the end only later: the place is free at once. */
  #displaceOne(): void {
    const socket = [...this.#deadlines.keys()][randomInt(this.#deadlines.size)];
    if (socket === undefined) return;
    this.release(socket);
    socket.destroy();
  }
}
