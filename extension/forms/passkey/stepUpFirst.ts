import { stepUp } from '../../connection/asking.ts';
import type { Services } from '../../services.ts';

/** Milliseconds that a form with a passphrase takes at most, as a rule: somebody writes seven words down. */
const longForm = 120_000;

/**
 * Asks for the proof that the end of a form will need before the form begins: whoever was shown a new passphrase must not be asked for another one, nor
 * give up and be left with words that open nothing. `false` where the user left.
 */
export async function stepUpFirst({ daemon }: Services, title: string): Promise<boolean> {
  return daemon.isSteppedUp(longForm) || (await stepUp(daemon, title));
}
