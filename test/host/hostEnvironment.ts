import { appendFileSync, readFileSync } from 'node:fs';
import * as z from 'zod';
import type { CodeServer } from '../../scripts/workbench/codeServer.ts';
import { currentTestTitle } from '../support/mochaHooks.ts';

/** What the layer made before its tests run; handed to them as a file that HOLDFAST_HOST names. */
export interface HostEnvironment {
  readonly address: { readonly port: number; readonly token: string };
  /** Of the workbench's server: settings, extensions, logs. */
  readonly dataDirectory: string;
  /** Where the browser listens. */
  readonly browser: string;
  /** What is kept of failed tests. */
  readonly failures: string;
  readonly screenshots: string;
  /** What a test needs to start a workbench of its own. */
  readonly codeServer: CodeServer;
  readonly builtInExtensions: readonly string[];
  /** The packaged extension. */
  readonly vsix: string;
}

const shape: z.ZodType<HostEnvironment> = z.strictObject({
  address: z.strictObject({ port: z.int(), token: z.string() }),
  dataDirectory: z.string(),
  browser: z.string(),
  failures: z.string(),
  screenshots: z.string(),
  codeServer: z.strictObject({ folder: z.string(), serverMain: z.string() }),
  builtInExtensions: z.array(z.string()),
  vsix: z.string(),
});

export function readHostEnvironment(): HostEnvironment {
  const file = process.env['HOLDFAST_HOST'];
  if (file === undefined) throw new Error('there is no workbench: run this file with node scripts/hostLayer.ts');
  return shape.parse(JSON.parse(readFileSync(file, 'utf8')));
}

/** Notes that a command of the extension ran in the test that runs now. For the two observers alone: the wire, and the host's `runCommand`. */
export function noteCommand(command: string): void {
  const file = process.env['HOLDFAST_COMMANDS_LOG'];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ command, test: currentTestTitle() })}\n`);
}

/** Notes how long the extension took to be active in a window, for the layer's last line. Milliseconds. */
export function noteActivation(activation: { readonly reason: string; readonly load: number; readonly activate: number }): void {
  const file = process.env['HOLDFAST_ACTIVATIONS_LOG'];
  const { reason, load, activate } = activation;
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ reason, load, activate })}\n`);
}
