import path from 'node:path';
import { defaultStateDirectory } from '../client/defaultStateDirectory.ts';
import { HoldfastError } from '../protocol/errors.ts';
import type { Method, Page, PageParams, SecretRef } from '../protocol/method.ts';
import type { Daemon } from './daemon.ts';
import type { GlobalFlags } from './globals.ts';
import type { Host } from './host.ts';
import { Interrupts } from './interrupts.ts';
import { type Style, styleFor } from './output/style.ts';
import { escaped } from '../client/shown/text.ts';
import { Secrets } from './secrets.ts';
import { baseDirectory, stateDirectory } from './stateDirectory.ts';

/** One run of a verb: the machine, the flags, and the daemon once it is asked for. Owns the connection and the secrets. */
export class Session implements AsyncDisposable {
  readonly host: Host;
  readonly globals: GlobalFlags;
  readonly style: Style;
  readonly secrets: Secrets;
  #daemon: Daemon | undefined;
  #interrupts: Interrupts | undefined;

  constructor(host: Host, globals: GlobalFlags) {
    this.host = host;
    this.globals = globals;
    this.style = styleFor({ isTerminal: host.out.isTerminal, environment: host.environment, wanted: globals.color });
    this.secrets = new Secrets(host, (typed) => this.resolvePath(typed));
  }

  get stateDirectory(): string {
    const { environment, currentDirectory } = this.host;
    return stateDirectory({
      flag: this.globals.state,
      environment,
      currentDirectory,
      exists: (name) => this.host.exists(name),
      defaultDirectory: defaultStateDirectory,
    });
  }

  /** A path as the user typed it, absolute. */
  resolvePath(typed: string): string {
    if (typed === '') throw new HoldfastError('badValue', 'Failed to read a path: it is empty.', { fix: 'Name a file or folder.' });
    if (typed.includes('\0'))
      throw new HoldfastError('badValue', 'Failed to read a path: it holds a NUL.', { fix: 'Name a file or folder.' });
    return path.resolve(baseDirectory(this.host.environment, this.host.currentDirectory), typed);
  }

  /** Finds the daemon or starts it. */
  async daemon(): Promise<Daemon> {
    const daemon = await this.#connect(true);
    if (daemon === undefined)
      throw new HoldfastError('daemonNotRunning', 'Failed to start the daemon: it does not answer.', {
        fix: 'Run holdfast serve to see why.',
      });
    return daemon;
  }

  /** From here on a Ctrl-C is meant for the work that is asked for next: `follow` hears it. Before, it ends this process, which may wait for a daemon. */
  async heedInterrupts(): Promise<void> {
    await this.daemon();
    void this.interrupts;
  }

  get interrupts(): Interrupts {
    this.#interrupts ??= new Interrupts(this.host);
    return this.#interrupts;
  }

  /** `undefined` where none runs. */
  async runningDaemon(): Promise<Daemon | undefined> {
    return await this.#connect(false);
  }

  async call<Params, Result>(method: Method<Params, Result>, params: Params): Promise<Result> {
    return await (await this.daemon()).call(method, params);
  }

  /**
   * Calls a method that may ask first: for the user's word (`confirmationNeeded`) or for a passphrase once more (`stepUpNeeded`).
   * The parameters are made anew for each try, because a secret and a request id serve one request.
   */
  async ask<Params, Result>(
    method: Method<Params, Result>,
    params: (confirmed: boolean, question?: HoldfastError) => Params | Promise<Params>,
  ): Promise<Result> {
    const { Asking } = await import('./asking.ts');
    return await new Asking(this).call(method, params);
  }

  /** All items of a list, page by page, `most` at most. */
  async *items<Params extends PageParams, Item>(
    method: Method<Params, Page<Item>>,
    params: Params,
    most: number = Number.POSITIVE_INFINITY,
  ): AsyncGenerator<Item> {
    let left = most;
    let after = params.after;
    while (left > 0) {
      const page = await this.call(method, {
        ...params,
        ...(after === undefined ? {} : { after }),
        ...(left < pageSize ? { limit: left } : {}),
      });
      for (const item of page.items.slice(0, left)) yield item;
      left -= page.items.length;
      if (page.next === null) return;
      after = page.next;
    }
  }

  async list<Params extends PageParams, Item>(method: Method<Params, Page<Item>>, params: Params, most?: number): Promise<Item[]> {
    return await collected(this.items(method, params, most));
  }

  async sendSecret(secret: Uint8Array): Promise<SecretRef> {
    return (await this.daemon()).sendSecret(secret);
  }

  /** A line for people that is no result: on standard error, and not with `--quiet`. */
  async note(line: string): Promise<void> {
    if (!this.globals.quiet) await this.host.err.write(`${line}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.secrets[Symbol.dispose]();
    this.#interrupts?.[Symbol.dispose]();
    await this.#daemon?.[Symbol.asyncDispose]();
  }

  async #connect(start: boolean): Promise<Daemon | undefined> {
    let replaced: string | undefined;
    const onReplaced = (reason: string): void => {
      replaced = reason;
    };
    this.#daemon ??= await this.host.connect({
      stateDirectory: this.stateDirectory,
      start,
      ...(start ? { onReplaced } : {}),
    });
    if (replaced !== undefined) await this.note(`Replaced the daemon that ran: ${escaped(replaced)}. The new one is locked.`);
    return this.#daemon;
  }
}

const pageSize = 1000;

/** All of it at once. */
export async function collected<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}
