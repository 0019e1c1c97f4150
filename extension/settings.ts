import path from 'node:path';
import * as vscode from 'vscode';
import { defaultStateDirectory } from '../client/defaultStateDirectory.ts';

/** What the user set. All but the last two belong to the machine: a workspace cannot name a folder or start a program. */
export interface Settings {
  /** Absolute. */
  readonly stateDirectory: string;
  readonly startsDaemon: boolean;
  readonly autoLockHours: number;
  readonly showsStatusBar: boolean;
  /** Keys of notifications that the user does not want to see. */
  readonly mutedNotifications: readonly string[];
}

export const settingsSection = 'holdfast';

/** Values of the wrong type count as not set: a settings file is written by hand. */
export function readSettings(): Settings {
  const section = vscode.workspace.getConfiguration(settingsSection);
  const directory = section.get<unknown>('stateDirectory');
  const hours = section.get<unknown>('autoLockHours');
  const muted = section.get<unknown>('notifications.muted');
  return {
    stateDirectory: typeof directory === 'string' && path.isAbsolute(directory) ? directory : defaultStateDirectory(),
    startsDaemon: section.get<unknown>('daemon.autoStart') !== false,
    autoLockHours: typeof hours === 'number' && hours > 0 ? hours : 0,
    showsStatusBar: section.get<unknown>('statusBar.show') !== false,
    mutedNotifications: Array.isArray(muted) ? muted.filter((key) => typeof key === 'string') : [],
  };
}
