import { randomBytes } from 'node:crypto';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Catalog } from '../../daemon/catalog/catalog.ts';
import type { IndexedPack } from '../../daemon/catalog/copy/expectedPacks.ts';
import { type CopyFacts, writeCopy } from '../../daemon/catalog/copy/writeCopy.ts';
import type { LocationRecord } from '../../daemon/catalog/locationStore.ts';
import type { LedgerObject } from '../../daemon/catalog/objectLedger.ts';
import type { RestorePointRecord } from '../../daemon/catalog/restorePointStore.ts';
import { packKey } from '../../daemon/repository/names.ts';
import type { InstallationId, PolicyId } from '../../protocol/ids.ts';
import { CatalogFolder, someLocation, someObject, somePoint, somePolicy, timeAt } from './catalog.ts';
import { newId } from './ids.ts';

/** The catalog of an installation with one bucket, and the copies that are made of it. */
export class CopiedCatalog implements Disposable {
  readonly folder: CatalogFolder = new CatalogFolder();
  readonly catalog: Catalog = this.folder.open();
  readonly installationId: InstallationId = newId();
  readonly location: LocationRecord;
  readonly policyId: PolicyId = newId();
  #sequence = 0;
  #files = 0;

  constructor(location: Partial<LocationRecord> = {}) {
    this.location = someLocation({ kind: 's3', lockMode: 'compliance', protectionPeriodDays: 30, ...location });
    const { catalog, installationId, policyId } = this;
    catalog.installation.create({ installationId, masterKeyId: randomBytes(16), keyEpoch: 1, createdAt: timeAt(0) });
    catalog.locations.add(this.location);
    catalog.policies.add(somePolicy(this.location.locationId, { policyId }));
  }

  /** A name in the folder of the catalog that no file has. */
  path(): string {
    this.#files += 1;
    return join(this.folder.folder, `file-${this.#files}`);
  }

  copy(): CopyFacts & { readonly path: string } {
    const path = this.path();
    return { path, ...writeCopy({ catalogPath: this.folder.path, copyPath: path }) };
  }

  /** As it goes into the ledger. */
  pack(changes: Partial<LedgerObject> = {}): LedgerObject {
    const objectId = randomBytes(16);
    return this.object('pack', { objectId, objectKey: packKey(this.installationId, this.policyId, objectId), ...changes });
  }

  object(kind: LedgerObject['kind'], changes: Partial<LedgerObject> = {}): LedgerObject {
    const { policyId, location } = this;
    const versionId = randomBytes(12).toString('base64url');
    const objectKey = changes.objectKey ?? `${this.installationId}/${kind}/${randomBytes(8).toString('hex')}`;
    const object = someObject(location.locationId, objectKey, { policyId, kind, versionId, retainUntil: timeAt(9999), ...changes });
    const { number: _, ...recorded } = object;
    this.catalog.objects.record(recorded);
    return this.catalog.objects.get(location.locationId, objectKey) ?? object;
  }

  /** One that reaches these, and a manifest and an index of its own. */
  point(reached: readonly LedgerObject[], changes: Partial<RestorePointRecord> = {}): RestorePointRecord {
    const { policyId, location } = this;
    const { locationId, storeId } = location;
    this.#sequence += 1;
    const point = somePoint(policyId, this.#sequence, { storeId, versionId: 'v', ...changes });
    const own = [this.object('manifest', { objectKey: point.manifestKey }), this.object('index')];
    this.catalog.restorePoints.add(point);
    const numbers = [...own, ...reached].map(({ number }) => number);
    this.catalog.reaches.record({ restorePointId: point.id, locationId, policyId }, numbers);
    return point;
  }

  [Symbol.dispose](): void {
    this.folder[Symbol.dispose]();
  }
}

/** What an index says of packs of the ledger. */
export async function* named(packs: readonly LedgerObject[]): AsyncGenerator<IndexedPack> {
  for (const pack of packs) yield await Promise.resolve(indexed(pack));
}

export function indexed({ locationId, policyId, objectId, versionId, size, sha256 }: LedgerObject): IndexedPack {
  return { locationId, policyId: policyId ?? '', objectId, versionId, size, sha256 };
}

/** Every row of every table but `copyFacts`, as text in the order of the tables and of the rows. */
export function rowsOf(path: string): readonly string[] {
  using database = new DatabaseSync(path, { readOnly: true });
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'copyFacts' ORDER BY name").all();
  return tables.flatMap(({ name }) => {
    const rows = database.prepare(`SELECT * FROM ${String(name)}`).all();
    const texts = rows.map((row) =>
      JSON.stringify(row, (_, value: unknown) => (value instanceof Uint8Array ? `x${Buffer.from(value).toString('hex')}` : value)),
    );
    return [`-- ${String(name)}`, ...texts.toSorted()];
  });
}

/** A copy with something done to its file by whoever could. */
export function forged(from: string, to: string, sql: string): string {
  copyFileSync(from, to);
  using database = new DatabaseSync(to, { enableForeignKeyConstraints: false });
  database.enableDefensive(false);
  database.exec(sql);
  return to;
}
