import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { methods } from '../../protocol/methods/index.ts';
import { programVersion } from '../../protocol/version.ts';
import { ActionQueue } from '../actions/actionQueue.ts';
import { AlertBook } from '../alerts/alertBook.ts';
import { AuditedActions } from '../auditLog/auditedActions.ts';
import { AuditLog } from '../auditLog/auditLog.ts';
import { CatalogCopier } from '../catalog/copy/catalogCopier.ts';
import { openCatalog } from '../catalog/openCatalog.ts';
import { runCommand } from '../commands/runCommand.ts';
import { runBackup } from '../engine/backup/backup.ts';
import { runRestore } from '../engine/restore/restore.ts';
import { Installation } from '../installation/installation.ts';
import { type KeyAgent, ProcessKeyAgent } from '../keys/agent/keyAgent.ts';
import { WorkerScryptRunner } from '../keys/scryptRunner.ts';
import { selfTest } from '../keys/selfTest.ts';
import type { UnlockClock } from '../keys/unlockDelay.ts';
import { nodeFileSystem } from '../locations/fileAccess.ts';
import { GarbageAlerts } from '../policies/alerting/garbageAlerts.ts';
import { BackupRuns } from '../policies/backupRuns.ts';
import { BackupService } from '../policies/backupService.ts';
import { GarbageRuns } from '../policies/garbage/garbageRuns.ts';
import { GarbageService } from '../policies/garbage/garbageService.ts';
import { OpenRestorePoints } from '../policies/openRestorePoints.ts';
import { PasskeyWatch } from '../policies/passkeys/passkeyWatch.ts';
import { PolicyService } from '../policies/policyService.ts';
import { RestorePointService } from '../policies/restorePointService.ts';
import { machineTimeZone, RetentionService } from '../policies/retention/retentionService.ts';
import { RestoreService } from '../policies/restoreService.ts';
import { UnfinishedRuns } from '../policies/unfinishedRuns.ts';
import { VerifyService } from '../policies/verifyService.ts';
import { normalSchedule, scheduleOf } from '../policies/schedules/schedule.ts';
import { DisasterRecovery } from '../recovery/bundles/disasterRecovery.ts';
import { ImportStored } from '../recovery/importStored.ts';
import { ImportPolling } from '../recovery/migration/importPolling.ts';
import { PolicyMigration } from '../recovery/migration/policyMigration.ts';
import type { Assembly, AssemblySurroundings, AssemblyWorld } from './assembly.ts';
import { Immutability } from '../immutability/immutability.ts';
import { readClocks } from '../locks/localClocks.ts';
import { immutabilityHandlers } from './methods/immutabilityHandlers.ts';
import { currentName, idFinder, processUser } from './auditNames.ts';
import { Caretaker, machineClock } from './caretaker.ts';
import { actionHandlers } from './methods/actionHandlers.ts';
import { alertHandlers } from './methods/alertHandlers.ts';
import { auditHandlers } from './methods/auditHandlers.ts';
import { backupHandlers } from './methods/backupHandlers.ts';
import { bundleHandlers } from './methods/bundleHandlers.ts';
import { garbageHandlers } from './methods/garbageHandlers.ts';
import { locationHandlers } from './methods/locationHandlers.ts';
import { diagnosticsHandlers } from './methods/diagnosticsHandlers.ts';
import { logHandlers } from './methods/logHandlers.ts';
import { migrationHandlers } from './methods/migrationHandlers.ts';
import { passkeyHandlers } from './methods/passkeyHandlers.ts';
import { policyHandlers } from './methods/policyHandlers.ts';
import { recoveryHandlers } from './methods/recoveryHandlers.ts';
import { restorePointHandlers } from './methods/restorePointHandlers.ts';
import { sessionHandlers } from './methods/sessionHandlers.ts';
import { unattendedHandlers } from './methods/unattendedHandlers.ts';
import { Unlocking } from './unlocking.ts';
import { thrownFact } from './redaction.ts';

const catalogFileName = 'catalog.db';

/** Backups, restores and verifications that may run beside each other; each uses every core. */
const actionsAtOnce = 2;

/** Puts the daemon together: opens the catalog of a state directory, and hands every room what it needs of the others. */
export async function assemble(surroundings: AssemblySurroundings, workerUrl: URL, world: AssemblyWorld = {}): Promise<Assembly> {
  const { stateDirectory, startedAt, log, publish, stop } = surroundings;
  const { fileSystem = nodeFileSystem, scrypt = new WorkerScryptRunner(workerUrl), wallClock = () => new Date() } = world;
  await selfTest();
  const catalog = (world.openCatalog ?? openCatalog)(path.join(stateDirectory, catalogFileName));
  const interrupted = catalog.actions.failInterrupted(wallClock().toISOString());
  if (interrupted.length > 0) log.warn('Actions were under way when the last daemon ended.', { actions: interrupted });
  const audit = new AuditLog({
    store: catalog.auditLog,
    user: processUser(),
    wallClock,
    now: () => performance.now(),
    findId: (kind, reference) =>
      idFinder({ passkeys: installation.passkeys, locations: installation.locations, policies, points })(kind, reference),
    onUnwritten: (verb, error) => log.error('An entry of the audit log could not be written.', { verb, error: thrownFact(error) }),
  });
  audit.endUnended();
  const history = new AuditedActions(catalog.actions, audit, methods);
  history.interrupted(interrupted.flatMap((actionId) => catalog.actions.get(actionId) ?? []));
  await mkdir(path.join(stateDirectory, 'cache'), { recursive: true, mode: 0o700 });

  const changed = (table: string, id: string): void => {
    publish({ name: 'catalog.changed', subject: `${table}/${id}` });
    caretaker.rowChanged(table, id);
    if (table === 'policies' || table === 'locations') recovery.look();
    if (table === 'passkeys') passkeyWatch.changed();
    if (table === 'restorePoints') immutability.pointsChanged();
  };
  const clock: UnlockClock = {
    now: () => performance.now(),
    sleep: (milliseconds, signal) => delay(milliseconds, undefined, signal === undefined ? {} : { signal }),
  };
  const stateChanged = (): void => publish({ name: 'state.changed', subject: '' });
  const keyAgent = world.keyAgent ?? agentBeside(workerUrl);
  const installation = new Installation({
    catalog,
    stateDirectory,
    fileSystem,
    scrypt,
    keyAgent,
    unlockClock: clock,
    wallClock,
    ...(world.connectS3 === undefined ? {} : { connectS3: world.connectS3 }),
    ...(world.clocks === undefined ? {} : { clocks: world.clocks }),
    safeUntil: (location) => immutability.service.safeUntil(location),
    onStateChanged: () => {
      if (installation.state === 'unlocked') unlocking.autoLock.restart();
      caretaker.stateChanged();
      passkeyWatch.stateChanged();
      immutability.stateChanged();
      recovery.look();
      importPolling.stateChanged();
      stateChanged();
    },
    onPasskeyChanged: (slotId) => changed('passkeys', slotId),
    onLocationChanged: (locationId) => {
      changed('locations', locationId);
      open.clear();
      immutability.locationChanged(locationId);
    },
    onUndelivered: ({ locationId, error }) => log.warn('The keyring could not be brought to a location.', { locationId, error }),
  });
  const alerts = new AlertBook({
    store: catalog.alerts,
    wallClock,
    now: () => performance.now(),
    onChanged: (alertId) => publish({ name: 'alert.changed', subject: alertId }),
  });
  const queue = new ActionQueue({
    history,
    now: () => performance.now(),
    wallClock,
    concurrency: actionsAtOnce,
    onChanged: ({ actionId }) => publish({ name: 'action.changed', subject: actionId }),
    onFailed: ({ actionId, kind }, error) => log.error('An action failed.', { actionId, kind, error: thrownFact(error) }),
  });
  const timers = world.timers ?? machineClock(wallClock);
  const immutability = new Immutability({
    installation,
    alerts,
    queue,
    clocks: world.clocks ?? readClocks,
    wallClock,
    after: timers.after,
    onChanged: (locationId) => changed('locations', locationId),
    onFailed: (error) => log.error('Something about locks failed.', { error: thrownFact(error) }),
  });
  const passkeyWatch = new PasskeyWatch({
    installation,
    alerts,
    queue,
    clock: timers,
    onChanged: (slotId) => changed('passkeys', slotId),
    onFailed: (error) => log.error('Something about passkeys failed.', { error: thrownFact(error) }),
  });
  const recovery = new DisasterRecovery({
    installation,
    copier: new CatalogCopier(workerUrl),
    queue,
    alerts,
    scrypt,
    schedules: { normal: normalSchedule, of: scheduleOf },
    wallClock,
    now: () => performance.now(),
    after: timers.after,
    onFailed: (error) => log.error('Something about disaster recovery failed.', { error: thrownFact(error) }),
  });
  const policies = new PolicyService({
    catalog,
    wallClock,
    resolveLocation: (reference) => installation.locations.resolve(reference),
    ownFolders: () => installation.ownFolders,
    isBusy: (policyId) => runs.isBusy(policyId),
    nextRunAt: (policyId) => caretaker.nextRunAt(policyId),
    onChanged: (policyId) => changed('policies', policyId),
    onForgotten: (policyId) => {
      installation.keys.forgetImported(policyId);
      open.clear();
    },
  });
  const points = new RestorePointService({
    catalog,
    protectedUntil: (point) => immutability.protectedUntil(point),
    onChanged: (id) => changed('restorePoints', id),
  });
  const retention = new RetentionService({
    catalog,
    timeZone: machineTimeZone,
    onRetired: (id) => changed('restorePoints', id),
  });
  const open = new OpenRestorePoints(installation);
  const threads = { workerUrl, ...world.threads };
  const unfinished = new UnfinishedRuns({
    installation,
    wallClock,
    onSettled: (facts) => log.info('A backup that did not come to its end was looked at.', facts),
    onAdopted: (id) => changed('restorePoints', id),
  });
  const backups = new BackupService({
    installation,
    runBackup: (job) => runBackup(job, threads),
    runCommand,
    unfinished,
    writer: `holdfast ${programVersion}`,
    wallClock,
    onCommitted: (id) => changed('restorePoints', id),
    retire: (policy) => caretaker.retentionFollowed(policy, retention.follow(policy)),
    onManifestUnreadable: (facts) => log.error('The manifest of a restore point could not be read.', facts),
  });
  const garbageAlerts = new GarbageAlerts(alerts);
  const garbage = new GarbageService({
    installation,
    unfinished,
    wallClock,
    onChanged: (id) => changed('locations', id),
    onFailed: (failure) => garbageAlerts.failed(failure),
    onCollected: (place) => garbageAlerts.collected(place),
  });
  const garbageRuns = new GarbageRuns({
    queue,
    catalog,
    garbage,
    wallClock,
    isUnlocked: () => installation.state === 'unlocked',
    onFailed: (error) => log.error('No garbage collection could be started.', { error: thrownFact(error) }),
  });
  const runs = new BackupRuns({
    queue,
    backups,
    newest: (policy) => catalog.policies.get(policy.policyId) ?? policy,
    onEnded: (run) => {
      caretaker.backupEnded(run);
      recovery.backupEnded(run.policy.policyId);
      garbageRuns.consider();
    },
  });
  const caretaker = new Caretaker({ installation, alerts, runs, clock: timers, log });
  const restores = new RestoreService({
    installation,
    restorePoints: open,
    runRestore: (job) => runRestore(job, threads),
  });
  const verifies = new VerifyService({ installation, restorePoints: open, wallClock, onChanged: (id) => changed('restorePoints', id) });
  const importStored = new ImportStored({
    installation,
    ...(world.connectS3 === undefined ? {} : { connectS3: world.connectS3 }),
    fileSystem,
    scrypt,
    keyAgent,
    wallClock,
    retiredBy: (records, keep) => retention.wouldRetire(records, keep),
  });
  const migration = new PolicyMigration({
    installation,
    wallClock,
    onPolicyChanged: (policyId) => {
      open.clear();
      changed('policies', policyId);
    },
    onPointsChanged: (id) => changed('restorePoints', id),
  });
  const importPolling = new ImportPolling({
    catalog,
    migration,
    isUnlocked: () => installation.state === 'unlocked',
    wallClock,
    after: timers.after,
    onFailed: (policyId, error) => log.warn('An imported policy could not be looked at.', { policyId, error: thrownFact(error) }),
  });
  const lock = async (): Promise<void> => {
    unlocking.unattended.stop();
    // A request that was under way may have started one more meanwhile.
    await caretaker.interrupt(async () => {
      while (queue.unfinished > 0) await queue.cancelAll();
    });
    open.clear();
    installation.lock();
  };
  const isBusy = (): boolean => queue.unfinished > 0;
  const unlocking = new Unlocking({
    installation,
    clock,
    wallClock,
    log,
    isBusy,
    lock,
    onChanged: stateChanged,
    onDone: (verb) => audit.note({ verb, outcome: 'done' }),
  });
  caretaker.start();
  immutability.start();
  passkeyWatch.start();
  recovery.start();
  importPolling.start();
  await unlocking.start();

  return {
    daemonState: () => installation.state,
    audit,
    onFailedProof: () => caretaker.failedProof(),
    handlers: Object.fromEntries([
      ...sessionHandlers({ installation, queue, unlocking, alerts, startedAt, lock, stop, safeUntil: () => immutability.safeUntil }),
      ...unattendedHandlers(unlocking),
      ...logHandlers(stateDirectory),
      ...diagnosticsHandlers({ stateDirectory, startedAt, wallClock, installation, policies, alerts, unlocking }),
      ...passkeyHandlers(installation.passkeys),
      ...locationHandlers(installation.locations),
      ...immutabilityHandlers(immutability, installation),
      ...garbageHandlers(installation.locations, garbageRuns),
      ...policyHandlers(policies, retention),
      ...migrationHandlers(policies, installation.locations, migration),
      ...backupHandlers(policies, runs),
      ...restorePointHandlers({ installation, queue, points, open, restores, verifies }),
      ...recoveryHandlers(importStored, queue),
      ...bundleHandlers(recovery),
      ...actionHandlers(queue, catalog.actions),
      ...alertHandlers(alerts),
      ...auditHandlers(audit, (kind, id) => currentName(catalog, kind, id)),
    ]),
    async [Symbol.asyncDispose]() {
      unlocking[Symbol.dispose]();
      await caretaker.interrupt(() => queue.close());
      caretaker[Symbol.dispose]();
      await recovery[Symbol.asyncDispose]();
      await passkeyWatch[Symbol.asyncDispose]();
      await importPolling[Symbol.asyncDispose]();
      await immutability[Symbol.asyncDispose]();
      open.clear();
      installation[Symbol.dispose]();
    },
  };
}

/** The agent's entry lies beside the workers', in the sources and in the bundle. */
function agentBeside(workerUrl: URL): KeyAgent {
  const entryPath = fileURLToPath(new URL(`./keyAgent${path.extname(workerUrl.pathname)}`, workerUrl));
  return new ProcessKeyAgent({ entryPath, environment: process.env });
}
