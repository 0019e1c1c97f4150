import type { AlertKind } from '../../../protocol/methods/alerts.ts';

/** The command that stands beside an alert because it cures it, or shows what would: a tag of the row. */
export type Cure = 'byValidate' | 'byRefresh' | 'byAudit' | 'byUnlock' | 'byVerify' | 'byHand';

export function cureOf(kind: AlertKind): Cure {
  switch (kind) {
    case 'locationCriteria':
    case 'locationUnreachable':
    case 'clockSkew':
      return 'byValidate';
    case 'refreshFailed':
    case 'slackHalf':
    case 'slackQuarter':
    case 'extenderStopped':
      return 'byRefresh';
    case 'tampering':
      return 'byAudit';
    case 'lockedTooLong':
      return 'byUnlock';
    case 'keyEndangered':
    case 'passkeyFailing':
      return 'byVerify';
    case 'recoveryCoverage':
    case 'rehearsalOverdue':
    case 'ownershipLost':
    case 'policyOverdue':
    case 'locationFull':
    case 'backupFailed':
    case 'sourceMissing':
    case 'commandFailed':
    case 'hookFailed':
    case 'retentionFailed':
    case 'garbageCollectionFailed':
    case 'keyringBehind':
    case 'damagedData':
    case 'failedProofs':
      return 'byHand';
  }
}
