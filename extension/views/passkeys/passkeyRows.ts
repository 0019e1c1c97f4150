import type { DaemonEvent } from '../../../protocol/events.ts';
import { passkeyList } from '../../../protocol/methods/passkeys.ts';
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
    const passkeys = await listAll(this.#caller, passkeyList, {});
    return passkeys.filter((passkey) => passkey.state !== 'retired').map((passkey) => passkeyRow(passkey, this.#now()));
  }

  /** Which one is in use concerns two rows, and the list is short. */
  async changeOf({ name, subject }: DaemonEvent): Promise<Change> {
    if (name === 'lookAgain') return 'everything';
    return name === 'catalog.changed' && subject.startsWith('passkeys/') ? 'everything' : 'nothing';
  }
}
