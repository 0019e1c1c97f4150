import type { Page } from 'playwright-core';
import * as z from 'zod';

/** One activation of the extension, as its host reported it. Times in milliseconds. */
export interface Activation {
  /** What it was activated for, such as `onView:holdfast.alerts` or `onCommand:holdfast.lock`. */
  readonly reason: string;
  readonly load: number;
  readonly activate: number;
  /** From the return of `activate` until its promise settled. */
  readonly settle: number;
}

const extensionId = 'holdfast.holdfast';
const executed = /\$executeContributedCommand[\s\S]{0,24}?"(holdfast\.[A-Za-z.]+)"/g;
const activated = /\$onDidActivateExtension[\s\S]{4}(\[[\s\S]*?"activationEvent":"[^"]*"\}\])/g;
const activationArguments = z
  .tuple([z.looseObject({ value: z.string() }), z.number(), z.number(), z.number(), z.looseObject({ activationEvent: z.string() })])
  .transform(([{ value }, load, activate, settle, { activationEvent }]) => ({
    id: value,
    load,
    activate,
    settle,
    reason: activationEvent,
  }));

function latin1(payload: string | Buffer): string {
  return typeof payload === 'string' ? payload : payload.toString('latin1');
}

/**
 * What really passes between the window and the extension host, read from their socket: a command is here because the window told the
 * extension to run it, by whatever menu, button, link or key it was reached, and an activation because the host reported one.
 */
export class Wire {
  readonly #commands: string[] = [];
  readonly #activations: Activation[] = [];

  constructor(page: Page, onCommand: (command: string) => void, onActivation: (activation: Activation) => void) {
    page.on('websocket', (socket) => {
      socket.on('framesent', ({ payload }) => {
        if (!payload.includes('$executeContributedCommand')) return;
        for (const [, command = ''] of latin1(payload).matchAll(executed)) {
          this.#commands.push(command);
          onCommand(command);
        }
      });
      socket.on('framereceived', ({ payload }) => {
        if (!payload.includes('$onDidActivateExtension')) return;
        for (const [, json = ''] of latin1(payload).matchAll(activated)) {
          const { id, ...activation } = activationArguments.parse(JSON.parse(json));
          if (id !== extensionId) continue;
          this.#activations.push(activation);
          onActivation(activation);
        }
      });
    });
  }

  /** Commands of ours that the window had the extension run, oldest first. */
  get commands(): readonly string[] {
    return this.#commands;
  }

  /** Empty until the extension is active. More than one where the window was reloaded. */
  get activations(): readonly Activation[] {
    return this.#activations;
  }
}
