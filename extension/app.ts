import path from 'node:path';
import * as vscode from 'vscode';
import { copyDaemon, type DaemonCopy } from '../client/daemonCopy.ts';
import { AlertWatch } from './alerts/alertWatch.ts';
import { Commands } from './commands/commands.ts';
import { ContextKeys } from './contextKeys.ts';
import { AutoLock } from './connection/autoLock.ts';
import { DaemonService } from './connection/daemonService.ts';
import { watchDiffs } from './files/activeDiff.ts';
import type { LateFiles } from './files/lateFiles.ts';
import { RestorePointFiles } from './files/restorePointFiles.ts';
import { DaemonLog } from './log/daemonLog.ts';
import type { Services } from './services.ts';
import { readSettings } from './settings.ts';
import { Notifier } from './notifications/notifier.ts';
import { StatusBarItem } from './statusBar/statusBarItem.ts';
import type { LateTree } from './views/lateTree.ts';
import { Presence } from './views/presence.ts';
import type { Row } from './views/row.ts';
import type { ViewId } from './viewIds.ts';
import { offerInTerminals } from './terminal/terminalCommand.ts';
import { Views } from './views/views.ts';
import { FollowedWork } from './work/followedWork.ts';
import { Reports } from './work/reports.ts';

/** What the activation registered and the app fills. */
export interface Shells {
  readonly views: readonly { readonly id: ViewId; readonly tree: LateTree; readonly view: vscode.TreeView<Row> }[];
  readonly files: LateFiles;
}

/** The extension behind its activation: puts the rooms together and ends them together. */
export class App implements vscode.Disposable {
  readonly commands: Commands;
  readonly #disposables: readonly vscode.Disposable[];

  static start(context: vscode.ExtensionContext, shells: Shells): App {
    return new App(context, shells);
  }

  private constructor(context: vscode.ExtensionContext, shells: Shells) {
    const log = vscode.window.createOutputChannel('Holdfast', { log: true });
    const { stateDirectory } = readSettings();
    const contextKeys = new ContextKeys();
    const copy = async (): Promise<DaemonCopy> =>
      await copyDaemon({ from: path.join(context.extensionPath, 'dist', 'daemon'), stateDirectory });
    const daemon = new DaemonService({
      stateDirectory,
      startsDaemon: () => readSettings().startsDaemon,
      program: async () => ({ entryPath: (await copy()).entryPath }),
      onReplaced: (reason) => log.info(`Replaced the daemon that ran: ${reason}. The new one is locked.`),
      log,
    });
    const daemonLog = new DaemonLog(daemon, log);
    const alerts = new AlertWatch(daemon, log);
    const presence = new Presence(daemon, contextKeys, log);
    const views = new Views({ daemon, alerts, contextKeys, log, views: shells.views });
    const files = new RestorePointFiles(daemon);
    shells.files.load(files);
    const followed = new FollowedWork(daemon.quietly);
    const services: Services = { context, daemon, log, daemonLog, contextKeys, views, files, followed };
    this.commands = new Commands(services);
    this.#disposables = [
      log,
      daemon,
      daemonLog,
      new Reports(daemon).register(),
      alerts,
      presence,
      views,
      new StatusBarItem(daemon, presence),
      new AutoLock(daemon, log),
      new Notifier({ daemon, alerts, followed, memory: context.globalState, log }),
      watchDiffs(contextKeys),
    ];
    daemon.connect();
    const commandLinePath = async (): Promise<string | undefined> => (await copy()).commandLinePath;
    void offerInTerminals({ environment: context.environmentVariableCollection, stateDirectory, commandLinePath, log });
  }

  dispose(): void {
    for (const disposable of this.#disposables.toReversed()) disposable.dispose();
  }
}
