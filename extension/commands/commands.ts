import type { Services } from '../services.ts';
import type { CommandId } from '../commandIds.ts';
import { showError } from '../ui/showError.ts';
import { acknowledgeAlert, showAlerts, snoozeAlert } from './alertCommands.ts';
import { backUpNow } from './backUpNow.ts';
import { cancelAction } from './cancelAction.ts';
import { collectDiagnostics } from './collectDiagnostics.ts';
import { collectGarbage } from './collectGarbage.ts';
import { copyAsCommand, copyId } from './copyCommands.ts';
import { removeLocation, validateLocation } from './locationCommands.ts';
import { usePasskey, verifyPasskey } from './passkeyCommands.ts';
import { deletePolicy, pausePolicy, resumePolicy } from './policyCommands.ts';
import { pinRestorePoint, retireRestorePoint, unpinRestorePoint, verifyRestorePoint } from './restorePointCommands.ts';
import { showMore } from './showMore.ts';
import { browseRestorePoint } from './browseRestorePoint.ts';
import type { Command } from './command.ts';
import { compareWithRestorePoint } from './compareWithRestorePoint.ts';
import { compareWithWorkspace } from './compareWithWorkspace.ts';
import { openSettings, refresh, restartDaemon, showLog, startDaemon, stopDaemon } from './daemonCommands.ts';
import { fileHistory } from './fileHistory.ts';
import { changeProtection } from './changeProtection.ts';
import { auditLocks, proveLock, refreshLocks } from './immutabilityCommands.ts';
import { lock } from './lock.ts';
import { restoreFile } from './restoreFile.ts';
import { restoreThisVersion } from './restoreThisVersion.ts';
import { protectFolder } from './protectFolder.ts';
import { newPolicy } from './newPolicy.ts';
import { editLocation } from './editLocation.ts';
import { editPolicy } from './editPolicy.ts';
import { newLocation } from './newLocation.ts';
import { newPasskey } from './newPasskey.ts';
import { retirePasskey } from './retirePasskey.ts';
import { rotatePasskey } from './rotatePasskey.ts';
import { restore } from './restore.ts';
import { setAbsence } from './setAbsence.ts';
import { setUp } from './setUp.ts';
import { unlock } from './unlock.ts';

const table: Readonly<Record<CommandId, Command>> = {
  'holdfast.setUp': setUp,
  'holdfast.unlock': unlock,
  'holdfast.lock': lock,
  'holdfast.restoreFile': restoreFile,
  'holdfast.restoreThisVersion': restoreThisVersion,
  'holdfast.fileHistory': fileHistory,
  'holdfast.compareWithRestorePoint': compareWithRestorePoint,
  'holdfast.compareWithWorkspace': compareWithWorkspace,
  'holdfast.browseRestorePoint': browseRestorePoint,
  'holdfast.backUpNow': backUpNow,
  'holdfast.verifyRestorePoint': verifyRestorePoint,
  'holdfast.retireRestorePoint': retireRestorePoint,
  'holdfast.pinRestorePoint': pinRestorePoint,
  'holdfast.unpinRestorePoint': unpinRestorePoint,
  'holdfast.pausePolicy': pausePolicy,
  'holdfast.resumePolicy': resumePolicy,
  'holdfast.deletePolicy': deletePolicy,
  'holdfast.validateLocation': validateLocation,
  'holdfast.proveLock': proveLock,
  'holdfast.refreshLocks': refreshLocks,
  'holdfast.auditLocks': auditLocks,
  'holdfast.editLocation': editLocation,
  'holdfast.changeProtection': changeProtection,
  'holdfast.setAbsence': setAbsence,
  'holdfast.collectGarbage': collectGarbage,
  'holdfast.removeLocation': removeLocation,
  'holdfast.usePasskey': usePasskey,
  'holdfast.verifyPasskey': verifyPasskey,
  'holdfast.retirePasskey': retirePasskey,
  'holdfast.showAlerts': showAlerts,
  'holdfast.acknowledgeAlert': acknowledgeAlert,
  'holdfast.snoozeAlert': snoozeAlert,
  'holdfast.cancelAction': cancelAction,
  'holdfast.copyId': copyId,
  'holdfast.copyAsCommand': copyAsCommand,
  'holdfast.showMore': showMore,
  'holdfast.protectFolder': protectFolder,
  'holdfast.newPolicy': newPolicy,
  'holdfast.editPolicy': editPolicy,
  'holdfast.newLocation': newLocation,
  'holdfast.newPasskey': newPasskey,
  'holdfast.rotatePasskey': rotatePasskey,
  'holdfast.restore': restore,
  'holdfast.showLog': showLog,
  'holdfast.collectDiagnostics': collectDiagnostics,
  'holdfast.startDaemon': startDaemon,
  'holdfast.restartDaemon': restartDaemon,
  'holdfast.stopDaemon': stopDaemon,
  'holdfast.openSettings': openSettings,
  'holdfast.refresh': refresh,
};

/** Runs commands and shows what went wrong with one sentence and one way out. */
export class Commands {
  readonly #services: Services;

  constructor(services: Services) {
    this.#services = services;
  }

  async run(id: CommandId, args: readonly unknown[]): Promise<void> {
    try {
      await table[id](this.#services, args);
    } catch (error) {
      await showError(this.#services, error);
    }
  }
}
