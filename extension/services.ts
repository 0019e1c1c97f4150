import type * as vscode from 'vscode';
import type { DaemonService } from './connection/daemonService.ts';
import type { ContextKeys } from './contextKeys.ts';
import type { RestorePointFiles } from './files/restorePointFiles.ts';
import type { DaemonLog } from './log/daemonLog.ts';
import type { Views } from './views/views.ts';
import type { FollowedWork } from './work/followedWork.ts';

/** What every command can ask for. */
export interface Services {
  readonly context: vscode.ExtensionContext;
  readonly daemon: DaemonService;
  readonly log: vscode.LogOutputChannel;
  readonly daemonLog: DaemonLog;
  readonly contextKeys: ContextKeys;
  readonly views: Views;
  readonly files: RestorePointFiles;
  readonly followed: FollowedWork;
}
