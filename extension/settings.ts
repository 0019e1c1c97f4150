import path from 'node:path';
import * as vscode from 'vscode';
import { defaultStateDirectory } from '../client/defaultStateDirectory.ts';

/** What the user set. All but the last two belong to the machine: a workspace cannot name a folder or start a program. */
export interface Settings {
  /** Absolute. */
  readonly stateDirectory: string;
  readonly startsDaemon: boolean;
  /** 0: never. `undefined` where the user said nothing: then it is as it was said elsewhere. */
  readonly autoLockHours: number | undefined;
  readonly showsStatusBar: boolean;
  /** Keys of notifications that the user does not want to see. */
  readonly mutedNotifications: readonly string[];
}

export const settingsSection = 'holdfast';

/** Values of the wrong type count as not set: a settings file is written by hand. */
export function readSettings(): Settings {
  const section = vscode.workspace.getConfiguration(settingsSection);
  const directory = section.get<unknown>('stateDirectory');
  const hours = section.inspect<unknown>('autoLockHours')?.globalValue;
  const muted = section.get<unknown>('notifications.muted');
  return {
    stateDirectory: typeof directory === 'string' && path.isAbsolute(directory) ? directory : defaultStateDirectory(),
    startsDaemon: section.get<unknown>('daemon.autoStart') !== false,
    autoLockHours: typeof hours === 'number' && Number.isFinite(hours) ? hours : undefined,
    showsStatusBar: section.get<unknown>('statusBar.show') !== false,
    mutedNotifications: Array.isArray(muted) ? muted.filter((key) => typeof key === 'string') : [],
  };
}
