import type { ActionId, LocationId } from '../../protocol/ids.ts';
import type { Connection } from './connection.ts';
import { Table } from './table.ts';

export type PinReason = 'upload' | 'hit';

export interface RunPin {
  readonly actionId: ActionId;
  readonly locationId: LocationId;
  readonly objectKey: string;
  readonly reason: PinReason;
}

/** What running backups uploaded or hit, so that no sweep deletes it under them: docs/format.md, Garbage collection. */
export class RunPinStore {
  readonly #table: Table<RunPin>;

  constructor(connection: Connection) {
    this.#table = new Table(connection, 'runPins');
  }

  pin(pin: RunPin): void {
    if (!this.#table.replace(pin)) this.#table.insert(pin);
  }

  isPinned(locationId: LocationId, objectKey: string): boolean {
    return this.#table.get({ locationId, objectKey }) !== undefined;
  }

  isPinnedByAnother(actionId: ActionId, locationId: LocationId, objectKey: string): boolean {
    const tail = 'WHERE locationId = ? AND objectKey = ? AND actionId <> ? LIMIT 1';
    return this.#table.select(tail, [locationId, objectKey, actionId]).length > 0;
  }

  of(actionId: ActionId): readonly RunPin[] {
    return this.#table.select('WHERE actionId = ? ORDER BY locationId, objectKey', [actionId]);
  }

  /** What runs under way, and those that were cut short, hold at a location. */
  keysAt(locationId: LocationId): readonly string[] {
    return this.#table.select('WHERE locationId = ? ORDER BY objectKey', [locationId]).map(({ objectKey }) => objectKey);
  }

  /** The actions that hold pins although they are not under way: what they uploaded and no restore point reaches can go. */
  left(): readonly ActionId[] {
    const tail = "WHERE actionId NOT IN (SELECT actionId FROM actions WHERE state IN ('queued', 'running')) ORDER BY actionId";
    return [...new Set(this.#table.select(tail).map((pin) => pin.actionId))];
  }

  release(actionId: ActionId): void {
    this.#table.delete({ actionId });
  }

  forgetLocation(locationId: LocationId): void {
    this.#table.delete({ locationId });
  }
}
