import { spawn } from 'node:child_process';
import { HoldfastError } from '../../../protocol/errors.ts';
import { launchCommand } from '../../../protocol/daemonLaunch.ts';
import { systemCode } from '../../../protocol/systemCode.ts';
import { secretBytes, WipedBytes, wipe } from '../secretBytes.ts';
import { type CallSecrets, type KeyAnswer, keyAnswerSchema, type KeyCall } from './keyCall.ts';
import type { KeyProblem } from './keyProblem.ts';
import { decodeSecretMessage, encodeSecretMessage, longestMessage } from './secretMessage.ts';

/** What a key agent gave: an answer, or the unwrapped bytes, for the caller to dispose of. */
export interface KeyAgentAnswer extends Disposable {
  readonly answer: KeyAnswer;
  /** Of any length and content: nothing about it is checked yet. */
  readonly plaintext: Uint8Array<ArrayBuffer> | undefined;
}

/** Asks key services. */
export interface KeyAgent {
  /** Resolves with a problem where the service did not do it. Rejects with the signal's reason alone. The secrets stay the caller's. */
  call(call: KeyCall, secrets: CallSecrets, signal: AbortSignal): Promise<KeyAgentAnswer>;
}

/** After that an answer is no answer any more (threats D7). */
export const callLimitSeconds = 60;

export interface KeyAgentOptions {
  /** The entry that runs `runKeyAgent()`. */
  readonly entryPath: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly limitSeconds?: number;
}

/**
 * A process for each call. The clients of key services make texts of what they send and get, the master key among them, and texts can not be wiped:
 * in here they end with a process that did nothing else. It can be ended at any moment, and what it loads holds the daemon's event loop up for no time.
 */
export class ProcessKeyAgent implements KeyAgent {
  readonly #options: KeyAgentOptions;

  constructor(options: KeyAgentOptions) {
    this.#options = options;
  }

  async call(call: KeyCall, secrets: CallSecrets, signal: AbortSignal): Promise<KeyAgentAnswer> {
    signal.throwIfAborted();
    const { limitSeconds = callLimitSeconds } = this.#options;
    const limit = AbortSignal.timeout(limitSeconds * 1000);
    using message = new WipedBytes(encodeSecretMessage(call, secrets));
    try {
      return await this.#run(message.bytes, AbortSignal.any([signal, limit]));
    } catch (error) {
      signal.throwIfAborted();
      if (limit.aborted) {
        return problemAnswer(
          'timeout',
          `it gave no answer within ${limitSeconds} seconds`,
          'Look whether the key service is overloaded, then try again.',
        );
      }
      throw error;
    }
  }

  async #run(message: Uint8Array, signal: AbortSignal): Promise<KeyAgentAnswer> {
    const { command, args, environment } = launchCommand({
      platform: process.platform,
      runtimePath: process.execPath,
      isElectron: process.versions['electron'] !== undefined,
      entryPath: this.#options.entryPath,
      args: [],
      environment: this.#options.environment,
    });
    const child = spawn(command, args, {
      env: environment,
      stdio: ['pipe', 'pipe', 'ignore'],
      signal,
      killSignal: 'SIGKILL',
      windowsHide: true,
    });
    const received = new WipedBytes(secretBytes(longestMessage));
    let length = 0;
    let isTooLong = false;
    const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
    child.once('error', reject);
    child.once('close', () => resolve());
    child.stdout.on('data', (piece: Buffer) => {
      isTooLong ||= length + piece.length > longestMessage;
      if (!isTooLong) received.bytes.set(piece, length);
      length += piece.length;
      wipe(piece);
      if (isTooLong) child.kill('SIGKILL');
    });
    // An agent that has ended does not read what it was asked.
    child.stdin.on('error', () => undefined);
    child.stdin.end(Buffer.from(message.buffer, message.byteOffset, message.length));
    try {
      await ended;
      signal.throwIfAborted();
      if (isTooLong) return problemAnswer('badAnswer', 'what it gave is too long', 'Ask whoever runs the key service.');
      return readAnswer(received.bytes.subarray(0, length));
    } catch (error) {
      signal.throwIfAborted();
      throw HoldfastError.failedTo(
        'failed',
        'ask the key service',
        `its client could not be run (${systemCode(error) ?? 'it ended early'})`,
        {
          fix: 'Look whether the program is still whole, or install it anew.',
          cause: error,
        },
      );
    } finally {
      received[Symbol.dispose]();
    }
  }
}

function readAnswer(bytes: Uint8Array): KeyAgentAnswer {
  const { json, secrets } = decodeSecretMessage(bytes);
  const answer = keyAnswerSchema.parse(json);
  return {
    answer,
    plaintext: secrets['plaintext'],
    [Symbol.dispose]() {
      wipe(...Object.values(secrets));
    },
  };
}

export function problemAnswer(kind: KeyProblem['kind'], reason: string, fix: string): KeyAgentAnswer {
  return {
    answer: { problem: { kind, reason, fix, until: null, command: null }, facts: null, wrapped: null },
    plaintext: undefined,
    [Symbol.dispose]() {},
  };
}
