import { uptime } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { sessionLock, sessionUnlock } from '../../protocol/methods/session.ts';
import type { UnattendedSource } from '../../protocol/methods/unattended.ts';
import { AutoLock } from '../installation/autoLock.ts';
import type { Installation } from '../installation/installation.ts';
import { hasOpenService } from '../installation/passkeys/passkeyRow.ts';
import { runPassphraseCommand } from '../installation/unattended/passphraseCommand.ts';
import { readPassphraseFile } from '../installation/unattended/passphraseFile.ts';
import { UnattendedUnlock } from '../installation/unattended/unattendedUnlock.ts';
import type { WipedBytes } from '../keys/secretBytes.ts';
import type { UnlockClock } from '../keys/unlockDelay.ts';
import type { Logger } from './logger.ts';
import { thrownFact } from './redaction.ts';

export interface UnlockingOptions {
  readonly installation: Installation;
  readonly clock: UnlockClock;
  readonly wallClock: () => Date;
  readonly log: Logger;
  readonly isBusy: () => boolean;
  /** Cancels what runs and drops the keys. */
  readonly lock: () => Promise<void>;
  readonly onChanged: () => void;
  /** What it did by itself, by the method that a client would have called for it. */
  readonly onDone: (verb: string) => void;
}

const lookMilliseconds = 30_000;

/** Clients that have just started this daemon wait for its first answer, and would be told that it is locked. */
const startMilliseconds = 5000;

/** How the daemon comes to its keys, and gives them up, without anybody there. */
export class Unlocking implements Disposable {
  readonly unattended: UnattendedUnlock;
  readonly autoLock: AutoLock;
  readonly #timer: NodeJS.Timeout;
  readonly #log: Logger;

  constructor({ installation, clock, wallClock, log, isBusy, lock, onChanged, onDone }: UnlockingOptions) {
    const { settings } = installation.catalog;
    this.#log = log;
    this.unattended = new UnattendedUnlock({
      settings,
      clock,
      wallClock,
      isLocked: () => installation.state === 'locked',
      servicePasskeys: () => installation.passkeys.services(),
      hasOpenService: () => hasOpenService(installation.catalog),
      unlockByService: (signal) => installation.unlock({}, undefined, signal),
      fetch: fetchPassphrase,
      unlock: (passphrase, signal) => installation.unlock({ passphrase }, undefined, signal),
      prove: (passphrase, signal) => installation.passkeys.prove({ passphrase }, signal),
      onUnlocked: () => {
        log.info('The daemon has unlocked itself.');
        onDone(sessionUnlock.name);
      },
      onFailed: (error, isLast) => {
        log.warn(isLast ? 'The daemon stays locked until somebody unlocks it.' : 'The daemon could not unlock itself yet.', { error });
        onChanged();
      },
    });
    this.autoLock = new AutoLock({
      settings,
      uptime,
      wallClock,
      isUnlocked: () => installation.state === 'unlocked',
      isBusy,
      lock: async () => {
        log.info('The daemon locks itself: nobody has given a passphrase for as long as was set.');
        await lock();
        onDone(sessionLock.name);
      },
    });
    this.#timer = setInterval(() => {
      this.autoLock.look().catch((error: unknown) => log.error('The daemon could not lock itself.', { error: thrownFact(error) }));
    }, lookMilliseconds);
    this.#timer.unref();
  }

  /** Resolves when the first attempt is over, or after some seconds in which it has not come to an end. */
  async start(): Promise<void> {
    const unknown = [...(this.unattended.isUnknown ? ['unattended'] : []), ...(this.autoLock.isUnknown ? ['autoLock'] : [])];
    if (unknown.length > 0) this.#log.warn('Settings of a newer version count as off until they are set anew.', { settings: unknown });
    const waiting = new AbortController();
    const late = delay(startMilliseconds, undefined, { signal: waiting.signal }).catch(() => undefined);
    await Promise.race([this.unattended.start(), late]);
    waiting.abort();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.unattended[Symbol.dispose]();
  }
}

function fetchPassphrase(source: UnattendedSource, signal: AbortSignal): Promise<WipedBytes> {
  return source.kind === 'command' ? runPassphraseCommand(source.command, { signal }) : readPassphraseFile(source.path);
}
