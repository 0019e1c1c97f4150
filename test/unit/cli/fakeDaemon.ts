import type { Daemon } from '../../../cli/daemon.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { DaemonEvent, EventName } from '../../../protocol/events.ts';
import type { AnyMethod, Method, SecretRef, StreamRef } from '../../../protocol/method.ts';
import { methods } from '../../../protocol/methods/index.ts';

export interface Asked {
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** The secrets that the parameters named, as text. */
  readonly secrets: readonly string[];
}

export type Answer = (params: Readonly<Record<string, unknown>>, asked: Asked) => unknown;

/** A daemon that answers as told; parameters and results must fit the schemas of the protocol. */
export class FakeDaemon implements Daemon {
  readonly asked: Asked[] = [];
  readonly closed: Promise<void>;
  isDisposed = false;
  /** As where no passkey is a passphrase: a key service is asked for a step-up. */
  isProvedByService = false;
  readonly #answers: Readonly<Record<string, Answer>>;
  readonly #secrets = new Map<number, string>();
  readonly #end: () => void;
  #listeners: ((event: DaemonEvent) => void)[] = [];
  readonly #streams: readonly string[];
  streamed = 0;

  constructor(answers: Readonly<Record<string, Answer>>, streams: readonly string[] = []) {
    this.#answers = answers;
    this.#streams = streams;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#end = resolve;
  }

  async call<Params, Result>(method: Method<Params, Result>, params: Params): Promise<Result> {
    const known: AnyMethod | undefined = methods.find((each) => each.name === method.name);
    if (known === undefined) throw new Error(`${method.name} is not in the table of methods`);
    const checked = method.params.safeParse(params);
    if (!checked.success) throw new Error(`the parameters of ${method.name} do not fit: ${checked.error.message}`);
    const plain: Readonly<Record<string, unknown>> = Object.fromEntries(Object.entries(Object(params)));
    if (method.name === 'session.stepUp' && plain['passphrase'] === undefined && !this.isProvedByService) {
      throw new HoldfastError('wrongSecret', 'Failed to prove who you are: a passphrase is needed.');
    }
    const asked = { method: method.name, params: plain, secrets: this.#takeSecrets(plain) };
    this.asked.push(asked);
    const answer = this.#answers[method.name];
    if (answer === undefined) throw new Error(`the fake daemon has no answer to ${method.name}`);
    return method.result.parse(await answer(plain, asked));
  }

  sendSecret(bytes: Uint8Array): SecretRef {
    const secretId = this.#secrets.size;
    this.#secrets.set(secretId, Buffer.from(bytes).toString('utf8'));
    return { secretId };
  }

  async *stream(_ref: StreamRef): AsyncIterable<Uint8Array> {
    for (const part of this.#streams) {
      this.streamed += 1;
      yield Buffer.from(part);
    }
  }

  async readSecret(_ref: StreamRef): Promise<Buffer> {
    this.streamed += 1;
    return Buffer.from(this.#streams.join(''));
  }

  async subscribe(_names: readonly EventName[], listener: (event: DaemonEvent) => void): Promise<Disposable> {
    this.#listeners.push(listener);
    return {
      [Symbol.dispose]: () => {
        this.#listeners = this.#listeners.filter((each) => each !== listener);
      },
    };
  }

  tell(event: DaemonEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  /** The connection goes. */
  end(): void {
    this.#end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isDisposed = true;
    this.end();
  }

  /** What was asked of one method. */
  of(method: string): readonly Asked[] {
    return this.asked.filter((asked) => asked.method === method);
  }

  #takeSecrets(params: Readonly<Record<string, unknown>>): readonly string[] {
    return Object.values(params).flatMap((value: unknown) => {
      if (typeof value !== 'object' || value === null) return [];
      if (!('secretId' in value)) return Array.isArray(value) ? [] : this.#takeSecrets(Object.fromEntries(Object.entries(value)));
      const id = Number(value.secretId);
      const secret = this.#secrets.get(id);
      if (secret === undefined) throw new Error('a secret was named that was not sent, or named twice');
      this.#secrets.delete(id);
      return [secret];
    });
  }
}
