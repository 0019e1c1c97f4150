import { subscribe } from '../events.ts';
import { hello } from '../hello.ts';
import type { AnyMethod } from '../method.ts';
import { actionCancel, actionFindings, actionList, actionResult, actionShow } from './actions.ts';
import { alertAcknowledge, alertList, alertSnooze } from './alerts.ts';
import { auditList, auditVerify } from './auditLog.ts';
import { sessionAutoLock } from './autoLock.ts';
import { backupStart } from './backups.ts';
import { recoveryBackup, recoveryDisable, recoveryEnable, recoveryStatus } from './disasterRecovery.ts';
import { sessionClaim } from './claim.ts';
import { locationCollectGarbage } from './garbage.ts';
import { immutabilityAbsence, immutabilityAudit, immutabilityRefresh, immutabilityStatus, locationProveLock } from './immutability.ts';
import { locationAdd, locationCheckPlace, locationEdit, locationList, locationRemove, locationValidate } from './locations.ts';
import { diagnosticsCollect } from './diagnostics.ts';
import { logRead } from './log.ts';
import { policyExport, policyImport } from './migration.ts';
import {
  passkeyAdd,
  passkeyAddPassphrase,
  passkeyCheck,
  passkeyGate,
  passkeyList,
  passkeyRetire,
  passkeyRotate,
  passkeySchedule,
  passkeyUse,
  passkeyVerify,
} from './passkeys.ts';
import { policyCreate, policyDelete, policyEdit, policyList, policyPause, policyResume, policyShow } from './policies.ts';
import { recoveryImportStored } from './recovery.ts';
import { policyRetention } from './retention.ts';
import {
  restorePointCat,
  restorePointDiff,
  restorePointDump,
  restorePointFileHistory,
  restorePointFiles,
  restorePointList,
  restorePointPin,
  restorePointPolicies,
  restorePointRetire,
  restorePointShow,
  restorePointStat,
  restorePointUnpin,
  restorePointVerify,
} from './restorePoints.ts';
import { restoreStart } from './restores.ts';
import { sessionInit, sessionLock, sessionMakeWay, sessionStatus, sessionStepUp, sessionStop, sessionUnlock } from './session.ts';
import { unattendedOff, unattendedSet } from './unattended.ts';

/** Every method there is: the one table that the server dispatches by and that says who may call what. */
export const methods: readonly AnyMethod[] = [
  hello,
  subscribe,
  sessionStatus,
  sessionInit,
  sessionUnlock,
  sessionLock,
  sessionMakeWay,
  sessionStop,
  sessionStepUp,
  sessionClaim,
  sessionAutoLock,
  unattendedSet,
  unattendedOff,
  logRead,
  diagnosticsCollect,
  passkeyList,
  passkeyAddPassphrase,
  passkeyCheck,
  passkeyAdd,
  passkeyUse,
  passkeyVerify,
  passkeyGate,
  passkeyRotate,
  passkeySchedule,
  passkeyRetire,
  locationCheckPlace,
  locationAdd,
  locationList,
  locationValidate,
  locationEdit,
  locationRemove,
  locationCollectGarbage,
  locationProveLock,
  immutabilityStatus,
  immutabilityRefresh,
  immutabilityAudit,
  immutabilityAbsence,
  policyCreate,
  policyList,
  policyShow,
  policyEdit,
  policyPause,
  policyResume,
  policyDelete,
  policyExport,
  policyImport,
  policyRetention,
  backupStart,
  restorePointList,
  restorePointPolicies,
  restorePointShow,
  restorePointStat,
  restorePointFiles,
  restorePointCat,
  restorePointDump,
  restorePointDiff,
  restorePointVerify,
  restorePointRetire,
  restorePointPin,
  restorePointUnpin,
  restorePointFileHistory,
  restoreStart,
  recoveryImportStored,
  recoveryStatus,
  recoveryEnable,
  recoveryDisable,
  recoveryBackup,
  actionList,
  actionShow,
  actionResult,
  actionCancel,
  actionFindings,
  alertList,
  alertAcknowledge,
  alertSnooze,
  auditList,
  auditVerify,
];
