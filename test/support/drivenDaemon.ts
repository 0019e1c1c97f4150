import { randomUUID } from 'node:crypto';
import type { Method, SecretRef } from '../../protocol/method.ts';
import { actionResult, type ActionWithResult, isEnded, type Started } from '../../protocol/methods/actions.ts';
import { backupStart, type BackupDocument, backupDocument } from '../../protocol/methods/backups.ts';
import { locationAdd } from '../../protocol/methods/locations.ts';
import { policyCreate, type Policy, usualRunRules, usualSourceRules } from '../../protocol/methods/policies.ts';
import { importDocument, type ImportDocument, recoveryImportStored } from '../../protocol/methods/recovery.ts';
import { type RestorePoint, restorePointList, restorePointVerify } from '../../protocol/methods/restorePoints.ts';
import { restoreStart } from '../../protocol/methods/restores.ts';
import { sessionInit, sessionStepUp, sessionUnlock } from '../../protocol/methods/session.ts';

/** A daemon as a test drives it, wherever it runs: the calls of a backup and all that belongs to it. */
export abstract class DrivenDaemon {
  abstract call<Params, Result>(method: Method<Params, Result>, params: Params): Promise<Result>;

  /** A secret for the next request, which names it. */
  abstract secret(text: string): SecretRef;

  /** Tells of every change of an action, by its id, until disposed. */
  protected abstract onActionChanged(tell: (actionId: string) => void): Promise<Disposable>;

  /** The action once it has ended, however that was. */
  async ended({ actionId }: Started): Promise<ActionWithResult> {
    const { promise, resolve, reject } = Promise.withResolvers<ActionWithResult>();
    const look = async (): Promise<void> => {
      const action = await this.call(actionResult, { actionId });
      if (isEnded(action.state)) resolve(action);
    };
    using listening = new DisposableStack();
    listening.use(
      await this.onActionChanged((changed) => {
        if (changed === actionId) look().catch(reject);
      }),
    );
    await look();
    return await promise;
  }

  /** Set up with a passphrase passkey "main". */
  async init(passphrase: string): Promise<void> {
    await this.call(sessionInit, { requestId: randomUUID(), passkeyName: 'main', passphrase: this.secret(passphrase) });
  }

  /** Unlocked, and with the right to what needs the passphrase anew. */
  async unlock(passphrase: string): Promise<void> {
    const { stepUpUntil } = await this.call(sessionUnlock, { passphrase: this.secret(passphrase) });
    if (stepUpUntil === null) await this.call(sessionStepUp, { passphrase: this.secret(passphrase) });
  }

  /** Throws where a check failed. */
  async addLocation(path: string, name = 'store'): Promise<void> {
    const { location, checks } = await this.call(locationAdd, { name, spec: { kind: 'filesystem', path } });
    if (location === null) throw new Error(JSON.stringify(checks));
  }

  createPolicy(path: string, name = 'files'): Promise<Policy> {
    return this.call(policyCreate, {
      name,
      sources: [{ kind: 'folder', path }],
      location: 'store',
      ...usualSourceRules,
      ...usualRunRules,
    });
  }

  async startBackup(policy = 'files'): Promise<Started> {
    const { actions } = await this.call(backupStart, { requestId: randomUUID(), policies: [policy], all: false, dryRun: false });
    const [action] = actions;
    if (action === undefined) throw new Error('no action');
    return action;
  }

  /** Rejects with the action's error unless it is complete, warnings included. */
  async backUp(policy = 'files'): Promise<BackupDocument> {
    return backupDocument.parse(succeeded(await this.ended(await this.startBackup(policy))).result);
  }

  async verify(restorePoint: string, readData = true): Promise<ActionWithResult> {
    return this.ended(await this.call(restorePointVerify, { requestId: randomUUID(), restorePoint, readData }));
  }

  startRestore(restorePoint: string, target: string): Promise<Started> {
    const requestId = randomUUID();
    return this.call(restoreStart, { requestId, restorePoint, target, paths: [], conflict: 'refuse', dryRun: false });
  }

  async restore(restorePoint: string, target: string): Promise<ActionWithResult> {
    return this.ended(await this.startRestore(restorePoint, target));
  }

  async importStored(path: string, passphrase: string): Promise<ImportDocument> {
    const started = await this.call(recoveryImportStored, {
      requestId: randomUUID(),
      spec: { kind: 'filesystem', path },
      passphrase: this.secret(passphrase),
      tries: 8,
    });
    return importDocument.parse(succeeded(await this.ended(started)).result);
  }

  /** Newest first, retired ones not. */
  async restorePoints(policy?: string): Promise<readonly RestorePoint[]> {
    return (await this.call(restorePointList, { includeRetired: false, ...(policy === undefined ? {} : { policy }) })).items;
  }
}

/** The action, if it is complete; throws its error otherwise. */
export function succeeded(action: ActionWithResult): ActionWithResult {
  if (action.state === 'complete') return action;
  const { code, message } = action.error ?? { code: action.state, message: '' };
  throw new Error(`${action.kind} ended ${action.state}: ${code}: ${message} ${JSON.stringify(action.error?.details)}`);
}
