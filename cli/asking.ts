import { HoldfastError } from '../protocol/errors.ts';
import type { Method, SecretRef } from '../protocol/method.ts';
import { sessionStepUp } from '../protocol/methods/session.ts';
import { detailLines } from './errorDetails.ts';
import type { GlobalFlags } from './globals.ts';
import type { Host } from './host.ts';
import { escaped } from '../client/shown/text.ts';
import type { Secrets } from './secrets.ts';

const triesOnTerminal = 3;

/** What is needed of a session to put a question. */
export interface AskingSession {
  readonly host: Host;
  readonly globals: GlobalFlags;
  readonly secrets: Secrets;
  call<Params, Result>(method: Method<Params, Result>, params: Params): Promise<Result>;
  sendSecret(secret: Uint8Array): Promise<SecretRef>;
}

/** Puts the daemon's questions to the user and repeats the request with the answer. */
export class Asking {
  readonly #session: AskingSession;

  constructor(session: AskingSession) {
    this.#session = session;
  }

  /** `question`: what the user has just said yes to, for a request that names what it is about. */
  async call<Params, Result>(
    method: Method<Params, Result>,
    params: (confirmed: boolean, question?: HoldfastError) => Params | Promise<Params>,
  ): Promise<Result> {
    const { yes } = this.#session.globals;
    let question: HoldfastError | undefined;
    let isSteppedUp = false;
    for (;;) {
      try {
        return await this.#session.call(method, await params(yes || question !== undefined, question));
      } catch (error) {
        if (HoldfastError.is(error, 'confirmationNeeded') && question === undefined) {
          if (!yes) await this.confirm(error);
          question = error;
        } else if (HoldfastError.is(error, 'stepUpNeeded') && !isSteppedUp) {
          await this.#stepUp(error);
          isSteppedUp = true;
        } else {
          throw error;
        }
      }
    }
  }

  /** Returns when the user says yes to the refusal's question. Without a terminal the refusal stands; a no is `cancelled`. */
  async confirm(refusal: HoldfastError): Promise<void> {
    const { in: input, err } = this.#session.host;
    if (!input.isTerminal) {
      throw new HoldfastError('confirmationNeeded', `Failed to go on without --yes: ${refusal.message}`, {
        fix: 'Run it again with --yes.',
        ...(refusal.details === undefined ? {} : { details: refusal.details }),
        cause: refusal,
      });
    }
    await err.write([escaped(refusal.message), ...detailLines(refusal).reasons].map((line) => `${line}\n`).join(''));
    const answer = await input.ask('Go on? [y/N] ');
    if (!/^y(es)?$/i.test(answer.trim())) throw new HoldfastError('cancelled', 'Cancelled: nothing was changed.');
  }

  /** Where no passkey is a passphrase the daemon asks a key service itself; it says where that is not so. */
  async #isDoneByService(): Promise<boolean> {
    try {
      await this.#session.call(sessionStepUp, {});
      return true;
    } catch (error) {
      if (HoldfastError.is(error, 'wrongSecret')) return false;
      throw error;
    }
  }

  async #stepUp(refusal: HoldfastError): Promise<void> {
    if (await this.#isDoneByService()) return;
    const { globals, host, secrets } = this.#session;
    const fromEnvironment = host.environment['HOLDFAST_STEP_UP_FILE'];
    const file = globals.stepUpFile ?? (fromEnvironment === '' ? undefined : fromEnvironment);
    for (let tries = 1; ; tries += 1) {
      const passphrase = await secrets.find({
        what: 'the passphrase',
        file,
        flag: '--step-up-file',
        question: 'Passphrase of any passkey, to go on',
      });
      if (passphrase === undefined) {
        throw new HoldfastError('stepUpNeeded', refusal.message, {
          fix: 'Run it again with --step-up-file F, F holding the passphrase of any passkey.',
          cause: refusal,
        });
      }
      try {
        await this.#session.call(sessionStepUp, { passphrase: await this.#session.sendSecret(passphrase) });
        return;
      } catch (error) {
        if (file !== undefined || tries === triesOnTerminal || !HoldfastError.is(error, 'wrongSecret')) throw error;
        await host.err.write(`${escaped(error.message)}\n`);
      }
    }
  }
}
