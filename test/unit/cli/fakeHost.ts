import type { ConnectOptions, Daemon } from '../../../cli/daemon.ts';
import { type Host, type Output, OutputClosed } from '../../../cli/host.ts';
import { run } from '../../../cli/run.ts';
import type { FakeDaemon } from './fakeDaemon.ts';

export interface FakeHostOptions {
  readonly daemon?: FakeDaemon;
  /** Whether a daemon runs before the call; true where there is one. */
  readonly isRunning?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  /** Files that other users may read. */
  readonly openFiles?: readonly string[];
  /** Lines of standard input. */
  readonly input?: readonly string[];
  /** Standard input and error are a terminal; these are the answers to its questions, in order. */
  readonly answers?: readonly string[];
  readonly isOutTerminal?: boolean;
  readonly isErrTerminal?: boolean;
  /** Standard output takes so many writes and is gone then. */
  readonly writesUntilClosed?: number;
  readonly existing?: readonly string[];
}

export interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
  readonly questions: readonly string[];
  /** Whether a daemon was asked to start. */
  readonly started: boolean;
  readonly connected: readonly ConnectOptions[];
  /** Standard output as JSON. */
  readonly json: () => unknown;
}

export const now: Date = new Date('2026-03-01T12:00:00.000Z');

/** A machine in memory: what the command line reads and writes, and a daemon that answers as told. */
export class FakeHost implements Host {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly currentDirectory = '/home/user/here';
  readonly homeDirectory = '/home/user';
  readonly runtime = { version: '24.0.0', platform: 'linux', architecture: 'x64' };
  readonly written = { out: '', err: '' };
  readonly questions: string[] = [];
  readonly connected: ConnectOptions[] = [];
  readonly served: string[] = [];
  readonly out: Output;
  readonly err: Output;
  readonly in: Host['in'];
  /** Every secret that was handed over, to see that it is wiped. */
  readonly handedOver: Buffer[] = [];
  #interrupts: (() => void)[] = [];
  #uuids = 0;
  #clock = 0;
  readonly #options: FakeHostOptions;

  constructor(options: FakeHostOptions) {
    this.#options = options;
    this.environment = { HOLDFAST_STATE: '/state', ...options.environment };
    this.out = this.#output('out', options.isOutTerminal ?? false, options.writesUntilClosed ?? Number.POSITIVE_INFINITY);
    this.err = this.#output('err', options.isErrTerminal ?? false, Number.POSITIVE_INFINITY);
    const lines = [...(options.input ?? [])];
    const answers = [...(options.answers ?? [])];
    this.in = {
      isTerminal: options.answers !== undefined,
      readLine: async () => this.#handOver(lines.shift()),
      readSecret: async (question) => this.#handOver(this.#answer(question, answers)) ?? Buffer.alloc(0),
      ask: async (question) => this.#answer(question, answers),
    };
  }

  now(): Date {
    return now;
  }

  monotonic(): number {
    this.#clock += 1;
    return this.#clock;
  }

  random(below: number): number {
    return below - 1;
  }

  uuid(): string {
    this.#uuids += 1;
    return `00000000-0000-4000-8000-${String(this.#uuids).padStart(12, '0')}`;
  }

  exists(name: string): boolean {
    return this.#options.existing?.includes(name) ?? false;
  }

  async readFile(name: string, limit: number): Promise<Buffer> {
    const content = this.#options.files?.[name];
    if (content === undefined) throw Object.assign(new Error(`no ${name}`), { code: 'ENOENT', syscall: 'open' });
    const bytes = Buffer.from(content).subarray(0, limit);
    this.handedOver.push(bytes);
    return bytes;
  }

  async othersMayRead(name: string): Promise<boolean> {
    return this.#options.openFiles?.includes(name) ?? false;
  }

  async connect(options: ConnectOptions): Promise<Daemon | undefined> {
    this.connected.push(options);
    const isRunning = this.#options.isRunning ?? true;
    return isRunning || options.start ? this.#options.daemon : undefined;
  }

  async serve(stateDirectory: string): Promise<number> {
    this.served.push(stateDirectory);
    return 7;
  }

  async writeNewFile(): Promise<never> {
    throw new Error('no files here');
  }

  async service(): Promise<never> {
    throw new Error('no service here');
  }

  async untilEnded(): Promise<boolean> {
    return true;
  }

  onInterrupt(listener: () => void): Disposable {
    this.#interrupts.push(listener);
    return {
      [Symbol.dispose]: () => {
        this.#interrupts = this.#interrupts.filter((each) => each !== listener);
      },
    };
  }

  /** Ctrl-C. */
  interrupt(): void {
    for (const listener of this.#interrupts) listener();
  }

  async pause(_milliseconds: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  #handOver(text: string | undefined): Buffer | undefined {
    if (text === undefined) return undefined;
    const bytes = Buffer.from(text);
    this.handedOver.push(bytes);
    return bytes;
  }

  #answer(question: string, answers: string[]): string {
    this.questions.push(question);
    const answer = answers.shift();
    if (answer === undefined) throw new Error(`nobody answers ${question}`);
    return answer;
  }

  #output(name: 'out' | 'err', isTerminal: boolean, writes: number): Output {
    let left = writes;
    return {
      isTerminal,
      columns: 80,
      write: async (data) => {
        left -= 1;
        if (left < 0) throw new OutputClosed('closed');
        this.written[name] += typeof data === 'string' ? data : Buffer.from(data).toString('utf8');
      },
    };
  }
}

/** Runs a command line on a machine in memory. */
export async function runOn(host: FakeHost, args: readonly string[]): Promise<Ran> {
  const status = await run(args, host);
  return {
    status,
    out: host.written.out,
    err: host.written.err,
    questions: host.questions,
    started: host.connected.some(({ start }) => start),
    connected: host.connected,
    json: () => JSON.parse(host.written.out) as unknown,
  };
}

export async function runWith(args: readonly string[], options: FakeHostOptions = {}): Promise<Ran> {
  return await runOn(new FakeHost(options), args);
}

/** What lies under these names in a document; `undefined` where nothing does. */
export function memberOf(value: unknown, ...path: readonly string[]): unknown {
  let found = value;
  for (const name of path) found = new Map<string, unknown>(Object.entries(Object(found))).get(name);
  return found;
}
