import { once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

/** What happens to the bytes of one direction. */
export interface Disturbance {
  /** Milliseconds by which every piece arrives later. */
  readonly latency?: number;
  /** Bytes a second of each connection. */
  readonly bandwidth?: number;
  /** Pieces of at most so many bytes, each a packet of its own. */
  readonly slice?: number;
  /** The connection is reset once so many bytes of it have passed in this direction. */
  readonly resetAfter?: number;
  /** How many connections are reset so before the rest pass; default all. */
  readonly resets?: number;
}

export interface ProxyFaults {
  /** From the client to the server. */
  readonly up?: Disturbance;
  /** From the server to the client. */
  readonly down?: Disturbance;
}

/** Milliseconds of a clock that never goes back, and a way to wait. */
export interface ProxyClock {
  now(): number;
  wait(milliseconds: number): Promise<void>;
}

const realClock: ProxyClock = {
  now: () => performance.now(),
  wait: async (milliseconds) => {
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
  },
};

/** A TCP proxy on loopback between a client and a server, whose faults can be changed while connections are open. */
export class FaultProxy implements AsyncDisposable {
  readonly host: string = '127.0.0.1';
  readonly port: number;
  readonly #server: Server;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #sockets: Set<Socket> = new Set();
  #faults: ProxyFaults = {};
  readonly #clock: ProxyClock;
  #isUp = true;
  #connections = 0;
  #resets = 0;
  #bytes = 0;

  private constructor(server: Server, target: { readonly host: string; readonly port: number }, clock: ProxyClock) {
    this.#server = server;
    this.#clock = clock;
    this.#target = target;
    const address = server.address();
    this.port = isInternet(address) ? address.port : 0;
    server.on('connection', (client) => this.#serve(client));
  }

  static async start(
    target: { readonly host: string; readonly port: number },
    faults: ProxyFaults = {},
    clock: ProxyClock = realClock,
  ): Promise<FaultProxy> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const proxy = new FaultProxy(server, target, clock);
    proxy.setFaults(faults);
    return proxy;
  }

  /** For clients of HTTP. */
  get endpoint(): string {
    return `http://${this.host}:${this.port}`;
  }

  /** How many connections have come so far. */
  get connections(): number {
    return this.#connections;
  }

  /** How many connections were reset. */
  get resets(): number {
    return this.#resets;
  }

  /** Bytes that have passed, both ways. */
  get bytes(): number {
    return this.#bytes;
  }

  /** From now on, also for connections that are open. Counts resets anew. */
  setFaults(faults: ProxyFaults): void {
    this.#faults = faults;
    this.#resets = 0;
  }

  /** The server is gone: open connections are reset, new ones too. */
  goDown(): void {
    this.#isUp = false;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  comeUp(): void {
    this.#isUp = true;
  }

  /** Resets what is open now, and takes new connections. */
  resetAll(): void {
    this.#resets += this.#sockets.size / 2;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(client: Socket): void {
    this.#connections += 1;
    if (!this.#isUp) {
      client.on('error', () => undefined);
      client.resetAndDestroy();
      return;
    }
    const server = createConnection({ ...this.#target, allowHalfOpen: true });
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.setNoDelay(true);
      this.#sockets.add(one);
      // What one side suffers the other one learns by the end of its connection.
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.#sockets.delete(one);
        if (!other.destroyed && one.errored !== null) other.destroy();
      });
    }
    const resets = (): void => {
      this.#resets += 1;
      client.resetAndDestroy();
      server.destroy();
    };
    void this.#pass(client, server, () => this.#faults.up ?? {}, resets);
    void this.#pass(server, client, () => this.#faults.down ?? {}, resets);
  }

  async #pass(from: Socket, to: Socket, faults: () => Disturbance, reset: () => void): Promise<void> {
    let passed = 0;
    // Pieces wait behind each other for their time, so that latency does not cost bandwidth.
    let last: Promise<void> = Promise.resolve();
    let waiting = 0;
    const deliver = async (piece: Buffer, at: number, before: Promise<void>): Promise<void> => {
      await before;
      await this.#until(at);
      const { resetAfter, resets = Number.POSITIVE_INFINITY } = faults();
      if (to.destroyed) return;
      if (resetAfter !== undefined && this.#resets < resets && passed + piece.length > resetAfter) {
        to.write(piece.subarray(0, Math.max(0, resetAfter - passed)));
        reset();
        return;
      }
      passed += piece.length;
      this.#bytes += piece.length;
      if (!to.write(piece)) await drained(to);
    };
    try {
      let free = 0;
      for await (const chunk of from as AsyncIterable<Buffer>) {
        const { latency = 0, bandwidth, slice = chunk.length } = faults();
        for (let at = 0; at < chunk.length; at += slice) {
          const piece = chunk.subarray(at, at + slice);
          const now = this.#clock.now();
          free = Math.max(free, now) + (bandwidth === undefined ? 0 : (piece.length / bandwidth) * 1000);
          waiting += piece.length;
          last = deliver(piece, free + latency, last).finally(() => {
            waiting -= piece.length;
          });
        }
        // No more is held than a connection would buffer.
        if (waiting > 1 << 20) await last;
      }
      await last;
      if (!to.destroyed) to.end();
    } catch {
      to.destroy();
    }
  }

  /** Times that are past, or less than a millisecond ahead, cost no timer. */
  async #until(time: number): Promise<void> {
    const rest = time - this.#clock.now();
    if (rest >= 1) await this.#clock.wait(rest);
  }
}

/** Resolves when more can be written, or nothing any more. */
async function drained(socket: Socket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.once('drain', resolve).once('close', resolve);
  await promise;
  socket.off('drain', resolve).off('close', resolve);
}

function isInternet(address: AddressInfo | string | null): address is AddressInfo {
  return typeof address === 'object' && address !== null;
}
