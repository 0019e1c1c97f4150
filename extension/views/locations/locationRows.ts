import type { DaemonEvent } from '../../../protocol/events.ts';
import { immutabilityStatus, type LocationImmutability } from '../../../protocol/methods/immutability.ts';
import { locationList } from '../../../protocol/methods/locations.ts';
import type { StatusResult } from '../../../protocol/methods/session.ts';
import type { Caller } from '../../connection/daemonService.ts';
import { listAll } from '../../connection/listAll.ts';
import type { Row } from '../row.ts';
import type { Change, RowSource } from '../rowTree.ts';
import { locationRow } from './location.ts';

/** Where backups go. Shown while the daemon is locked too. */
export class LocationRows implements RowSource {
  readonly #caller: Caller;
  readonly #status: () => StatusResult | undefined;

  constructor(caller: Caller, status: () => StatusResult | undefined) {
    this.#caller = caller;
    this.#status = status;
  }

  async roots(): Promise<readonly Row[]> {
    const state = this.#status()?.state;
    if (state === undefined || state === 'notSetUp') return [];
    const locations = await listAll(this.#caller, locationList, {});
    const locks = locations.some(({ protectionPeriodDays }) => protectionPeriodDays !== null) ? await this.#locks() : [];
    return locations.map((location) =>
      locationRow(
        location,
        locks.find(({ locationId }) => locationId === location.locationId),
      ),
    );
  }

  /** What the rows tell beside the list. */
  async #locks(): Promise<readonly LocationImmutability[]> {
    return (await this.#caller.call(immutabilityStatus, {})).locations;
  }

  /** The space that is held and its locks change with restore points, and the list is short. */
  async changeOf({ name, subject }: DaemonEvent): Promise<Change> {
    if (name === 'lookAgain') return 'everything';
    const isOurs = subject.startsWith('locations/') || subject.startsWith('restorePoints/');
    return name === 'catalog.changed' && isOurs ? 'everything' : 'nothing';
  }
}
