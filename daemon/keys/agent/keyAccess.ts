import type { AwsKmsSlot, VaultTransitSlot } from '../slot.ts';

export type {
  AwsCredentials,
  AwsKmsAccess,
  AwsKmsTarget,
  KeyAccess,
  KeyTarget,
  VaultLogin,
  VaultTransitAccess,
  VaultTransitTarget,
} from '../../../protocol/keyServices.ts';

/** A slot whose key is outside. */
export type ServiceSlot = AwsKmsSlot | VaultTransitSlot;
