import { AuditLog, type AuditedCall } from '../../daemon/auditLog/auditLog.ts';
import type { FindId } from '../../daemon/auditLog/auditDraft.ts';
import type { Catalog } from '../../daemon/catalog/catalog.ts';
import type { CatalogOptions } from '../../daemon/catalog/openCatalog.ts';
import type { AnyMethod } from '../../protocol/method.ts';
import type { AuditEntry, AuditVerification } from '../../protocol/methods/auditLog.ts';
import { CatalogFolder, timeAt } from './catalog.ts';

/** An audit log on a real disk, and the moments that are left to a test. */
export class AuditBench implements Disposable {
  readonly folder: CatalogFolder = new CatalogFolder();
  readonly unwritten: string[] = [];
  catalog: Catalog;
  log: AuditLog;
  /** Monotonic, milliseconds. */
  now = 0;
  #second = 0;
  readonly #findId: FindId;

  constructor(findId: FindId = () => undefined, options: CatalogOptions = {}) {
    this.#findId = findId;
    [this.catalog, this.log] = this.#open(options);
  }

  /** As the next daemon of this state directory, locked. */
  restart(): void {
    this.catalog.close();
    [this.catalog, this.log] = this.#open({});
    this.catalog.useSeal(undefined);
  }

  /** Oldest first. */
  entries(): readonly AuditEntry[] {
    return this.log
      .list({})
      .items.map(({ entry }) => entry)
      .toReversed();
  }

  async verify(head?: string): Promise<AuditVerification> {
    return await this.log.verify(head, new AbortController().signal);
  }

  [Symbol.dispose](): void {
    this.folder[Symbol.dispose]();
  }

  #open(options: CatalogOptions): [Catalog, AuditLog] {
    const catalog = this.folder.open(options);
    const log = new AuditLog({
      store: catalog.auditLog,
      user: 'ada',
      wallClock: () => new Date(timeAt((this.#second += 1))),
      now: () => this.now,
      findId: this.#findId,
      onUnwritten: (verb) => void this.unwritten.push(verb),
    });
    return [catalog, log];
  }
}

/** As the command line calls it. */
export function callOf(method: AnyMethod, params?: unknown): AuditedCall {
  return { method, params, client: { name: 'cli', version: '1.2.3' } };
}
