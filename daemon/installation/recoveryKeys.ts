import type { Catalog } from '../catalog/catalog.ts';
import { recoveryCell } from '../catalog/recoveryStore.ts';
import { CatalogSeal } from '../keys/catalogSeal.ts';
import { type DrKeys, openDrKeys, sealDrKeys } from '../keys/dr/drCell.ts';
import type { MasterKey } from '../keys/masterKey.ts';

/** The keys of disaster recovery as the catalog has them, the caller's to dispose of; `undefined` where it is off. Throws `catalogDamaged`. */
export function recoveryKeysIn(catalog: Catalog, masterKey: MasterKey): DrKeys | undefined {
  const record = catalog.recovery.get();
  if (record === undefined) return undefined;
  const { installationId } = masterKey;
  return openDrKeys(sealOf(masterKey), recoveryCell, record.drKeys, { installationId, drkId: record.drkId });
}

export function sealedRecoveryKeys(masterKey: MasterKey, keys: DrKeys): Uint8Array {
  return sealDrKeys(sealOf(masterKey), recoveryCell, keys);
}

function sealOf(masterKey: MasterKey): CatalogSeal {
  return new CatalogSeal(masterKey.catalogKey(), masterKey.installationId);
}
