import { randomUUID } from 'node:crypto';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { ActionQueue, ActionRun, WorkResult } from '../../actions/actionQueue.ts';
import type { PasskeyRecord } from '../../catalog/passkeyStore.ts';
import type { Installation } from '../../installation/installation.ts';
import { type RotationTrouble, rotationTroubleIn } from './rotationTrouble.ts';

export interface ScheduledRotationOptions {
  readonly installation: Installation;
  readonly queue: ActionQueue;
  readonly wallClock: () => Date;
  readonly onChanged: (slotId: PasskeyRecord['slotId']) => void;
}

const dayMs = 86_400_000;

/** Rotations that the user has set to come by themselves, as actions of the queue, tried once a day at most. They end nothing outside: that is for the user. */
export class ScheduledRotation {
  readonly #options: ScheduledRotationOptions;

  constructor(options: ScheduledRotationOptions) {
    this.#options = options;
  }

  look(): void {
    const { installation, queue } = this.#options;
    for (const passkey of installation.catalog.passkeys.list()) {
      if (!this.#isDue(passkey)) continue;
      const { slotId, name } = passkey;
      queue.submit({
        kind: 'rotatePasskey',
        subject: name,
        subjectId: slotId,
        startedBy: 'schedule',
        requestId: randomUUID(),
        lanes: [laneOf(slotId)],
        work: (run) => this.#rotate(slotId, run),
      });
    }
  }

  #isDue({ slotId, state, createdAt, leftKeyringsAt }: PasskeyRecord): boolean {
    const { installation, queue, wallClock } = this.#options;
    const { serviceKeys, actions } = installation.catalog;
    const service = serviceKeys.get(slotId);
    // What is going to be retired is not followed by another one.
    if (leftKeyringsAt !== null) return false;
    if (state !== 'ready' || service === undefined || service.rotateEveryDays === null || service.problem !== null) return false;
    if (queue.isBusy(laneOf(slotId))) return false;
    const now = wallClock().getTime();
    if (now - Date.parse(createdAt) < service.rotateEveryDays * dayMs) return false;
    const tries = [actions.lastFinished('rotatePasskey', slotId)?.finishedAt, rotationTroubleIn(service)?.at];
    // A clock that was set back must not hold rotations up for as long as the jump.
    return tries.every((at) => at === undefined || at === null || Math.abs(now - Date.parse(at)) >= dayMs);
  }

  async #rotate(slotId: PasskeyRecord['slotId'], { signal }: ActionRun): Promise<WorkResult> {
    const { installation, onChanged } = this.#options;
    const { passkeys, catalog } = installation;
    try {
      // Which passkey is in use is the user's choice: a schedule does not change it.
      const rotated = await passkeys.rotate(slotId, { keepsChoice: true }, signal);
      catalog.serviceKeys.change(slotId, { rotationTrouble: null });
      onChanged(slotId);
      return { outcome: 'complete', document: { ...rotated } };
    } catch (error) {
      signal.throwIfAborted();
      this.#note(slotId, error);
      throw error;
    }
  }

  /** What waiting cures is tried again the next day, and the passkey's own alert says that its service is away. */
  #note(slotId: PasskeyRecord['slotId'], error: unknown): void {
    const { installation, wallClock, onChanged } = this.#options;
    if (HoldfastError.is(error, 'keyServiceUnavailable', 'cancelled', 'locked')) return;
    const known = HoldfastError.is(error) ? error : undefined;
    const { command, next } = known?.details ?? {};
    const at = wallClock().toISOString();
    // What the command makes has to be named by somebody, so that it does not go on by itself.
    const trouble: RotationTrouble =
      typeof command !== 'string'
        ? { at, command: null, fix: known?.fix ?? null }
        : next === 'keyArn'
          ? {
              at,
              command: null,
              fix: `Have this run: ${command} and rotate the passkey by hand with --key-arn and the ARN that it prints.`,
            }
          : { at, command, fix: known?.fix ?? null };
    installation.catalog.serviceKeys.change(slotId, { rotationTrouble: JSON.stringify(trouble) });
    onChanged(slotId);
  }
}

function laneOf(slotId: string): string {
  return `rotatePasskey:${slotId}`;
}
