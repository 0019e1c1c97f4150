import path from 'node:path';
import * as vscode from 'vscode';
import { defaultStateDirectory } from '../../client/defaultStateDirectory.ts';
import { writeLauncher } from '../../client/launcher.ts';
import { asHoldfastError } from '../connection/asHoldfastError.ts';

export interface TerminalCommandOptions {
  readonly environment: vscode.GlobalEnvironmentVariableCollection;
  readonly stateDirectory: string;
  /** The command line in a copy that no update takes away; `undefined` where there is none. */
  readonly commandLinePath: () => Promise<string | undefined>;
  readonly log: vscode.LogOutputChannel;
}

/**
 * Makes `holdfast` a command of the integrated terminals of this window, for the installation that the window shows. Terminals that are open already get it
 * when they are opened anew, as the editor says beside them. Whoever has a `holdfast` of his own keeps it under its path.
 */
export async function offerInTerminals({ environment, stateDirectory, commandLinePath, log }: TerminalCommandOptions): Promise<void> {
  try {
    const found = await commandLinePath();
    if (found === undefined) return;
    const folder = await writeLauncher({
      stateDirectory,
      runtimePath: process.execPath,
      isElectron: process.versions['electron'] !== undefined,
      commandLinePath: found,
    });
    environment.description = vscode.l10n.t('Makes the command `holdfast` available.');
    // What a shell's start files do to the search path comes before the second.
    const options = { applyAtProcessCreation: true, applyAtShellIntegration: true };
    environment.prepend('PATH', `${folder}${path.delimiter}`, options);
    if (path.resolve(stateDirectory) === path.resolve(defaultStateDirectory())) environment.delete('HOLDFAST_STATE');
    else environment.replace('HOLDFAST_STATE', stateDirectory, options);
  } catch (error) {
    log.warn(`"holdfast" is no command of the terminals: ${asHoldfastError(error).message}`);
  }
}
