import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type * as z from 'zod';
import type { CommandId } from '../../../extension/commandIds.ts';
import { type CliOptions, type CliResult, cliJson, runCli } from '../../support/cli.ts';
import { noteCommand } from '../hostEnvironment.ts';
import { readInsideInstructions } from './instructions.ts';

/** The extension that is tested. Not active until something activates it. */
export function theExtension(): vscode.Extension<unknown> {
  const extension = vscode.extensions.getExtension('holdfast.holdfast');
  assert.ok(extension, 'the extension is not there');
  return extension;
}

/** Runs a command as another extension could, arguments and all. Rejects as the command does, or where there is none of that id. */
export async function runCommand(command: CommandId, ...args: readonly unknown[]): Promise<unknown> {
  assert.ok((await vscode.commands.getCommands(true)).includes(command), `there is no command ${command}`);
  try {
    return await vscode.commands.executeCommand(command, ...args);
  } finally {
    noteCommand(command);
  }
}

/** State directory of this window. */
export function stateDirectory(): string {
  return readInsideInstructions().state;
}

/** The workspace folder of this window. */
export function workspaceFolder(): string {
  return readInsideInstructions().folder;
}

function onThisState(options: CliOptions): CliOptions {
  const instructions = readInsideInstructions();
  return { ...options, state: instructions.state, env: { HOLDFAST_STEP_UP_FILE: instructions.passphraseFile, ...options.env } };
}

/** The command line on the state of this window, to arrange what a test needs: its daemon is the extension's. */
export async function cli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return await runCli(args, onThisState(options));
}

export async function json<Shape>(shape: z.ZodType<Shape>, args: readonly string[], options: CliOptions = {}): Promise<Shape> {
  return await cliJson(shape, args, onThisState(options));
}

/** The file that `--passphrase-file` takes. */
export function passphraseFile(): string {
  return readInsideInstructions().passphraseFile;
}
