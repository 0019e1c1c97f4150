import type { DaemonEvent } from '../../../protocol/events.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { type Passkey, passkeyGate, type PasskeyGate, passkeyList } from '../../../protocol/methods/passkeys.ts';
import type { StatusResult } from '../../../protocol/methods/session.ts';
import type { Caller } from '../../connection/daemonService.ts';
import { listAll } from '../../connection/listAll.ts';
import type { Row } from '../row.ts';
import type { Change, RowSource } from '../rowTree.ts';
import { passkeyRow } from './passkey.ts';

/** The passkeys of the installation; retired ones are history. Shown while the daemon is locked too. */
export class PasskeyRows implements RowSource {
  readonly #caller: Caller;
  readonly #status: () => StatusResult | undefined;
  readonly #now: () => Date;

  constructor(caller: Caller, status: () => StatusResult | undefined, now: () => Date) {
    this.#caller = caller;
    this.#status = status;
    this.#now = now;
  }

  async roots(): Promise<readonly Row[]> {
    const state = this.#status()?.state;
    if (state === undefined || state === 'notSetUp') return [];
    const passkeys = (await listAll(this.#caller, passkeyList, {})).filter((passkey) => passkey.state !== 'retired');
    const rows: Row[] = [];
    for (const passkey of passkeys)
      rows.push(passkeyRow(passkey, this.#now(), state === 'unlocked' ? await this.#gateOf(passkey) : undefined));
    return rows;
  }

  /** What keeps a spare key outside from going: only that is worth the question, which goes to the stores. */
  async #gateOf({ slotId, kind, inUse, retirableFrom }: Passkey): Promise<PasskeyGate | undefined> {
    const isWaiting = retirableFrom === null || new Date(retirableFrom) > this.#now();
    if (kind === 'passphrase' || inUse || !isWaiting) return undefined;
    try {
      return await this.#caller.call(passkeyGate, { passkey: slotId });
    } catch (error) {
      // The row stands without it: it was locked or retired meanwhile.
      if (HoldfastError.is(error, 'locked', 'unknownName')) return undefined;
      throw error;
    }
  }

  /** Which one is in use concerns two rows, and the list is short. */
  async changeOf({ name, subject }: DaemonEvent): Promise<Change> {
    if (name === 'lookAgain') return 'everything';
    return name === 'catalog.changed' && subject.startsWith('passkeys/') ? 'everything' : 'nothing';
  }
}
