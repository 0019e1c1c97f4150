import { userInfo } from 'node:os';
import type { AuditSubjectKind } from '../../protocol/auditRule.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import { idOf, type LocationId, type PolicyId, type SlotId } from '../../protocol/ids.ts';
import type { FindId } from '../auditLog/auditDraft.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { LocationService } from '../installation/locationService.ts';
import type { PasskeyService } from '../installation/passkeys/passkeyService.ts';
import type { PolicyService } from '../policies/policyService.ts';
import type { RestorePointService } from '../policies/restorePointService.ts';

export interface NamingServices {
  readonly passkeys: PasskeyService;
  readonly locations: LocationService;
  readonly policies: PolicyService;
  readonly points: RestorePointService;
}

/** What a typed name means, for the audit log: as the methods themselves take it. */
export function idFinder({ passkeys, locations, policies, points }: NamingServices): FindId {
  return (kind, reference) => {
    try {
      switch (kind) {
        case 'passkey':
          return passkeys.resolve(reference).slotId;
        case 'location':
          return locations.resolve(reference).locationId;
        case 'policy':
          return policies.resolve(reference).policyId;
        case 'restorePoint':
          return points.resolve(reference).id;
      }
    } catch (error) {
      if (HoldfastError.is(error)) return undefined;
      throw error;
    }
  };
}

/** What something of the audit log is called now. */
export function currentName(catalog: Catalog, kind: AuditSubjectKind, id: string): string | null {
  switch (kind) {
    case 'passkey':
      return catalog.passkeys.get(idOf<SlotId>(id))?.name ?? null;
    case 'location':
      return catalog.locations.get(idOf<LocationId>(id))?.name ?? null;
    case 'policy':
      return catalog.policies.get(idOf<PolicyId>(id))?.name ?? null;
    case 'installation':
    case 'restorePoint':
    case 'action':
    case 'alert':
      return null;
  }
}

/** Whom this process runs as: the system's name, else its number. */
export function processUser(): string {
  try {
    return userInfo().username.slice(0, 256);
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
