import { randomUUID } from 'node:crypto';
import { HoldfastError } from '../../protocol/errors.ts';
import { type ActionWithResult as Action, type ActionKind, isEnded, type StartedBy } from '../../protocol/methods/actions.ts';
import type { ErrorDocument } from '../../protocol/methods/values.ts';
import { noProgress, ProgressTracker, type RunProgress } from './progress.ts';

export interface ActionRequest {
  readonly kind: ActionKind;
  /** For people. */
  readonly subject: string;
  /** Names it for good, where it has an id. */
  readonly subjectId?: string;
  /** `user` where nothing is said. */
  readonly startedBy?: StartedBy;
  /** Made by the client; a second request with the same id is answered with the first action. */
  readonly requestId: string;
  /** Two actions that share a lane never run at the same time: one run of a policy, one writer of a location. */
  readonly lanes: readonly string[];
  readonly work: (run: ActionRun) => Promise<WorkResult>;
}

export interface ActionRun {
  readonly actionId: string;
  readonly signal: AbortSignal;
  readonly report: (progress: RunProgress) => void;
}

/** What a run ended with. `damaged` and `failed` outcomes may carry a document all the same. */
export interface WorkResult {
  readonly outcome: 'complete' | 'completeWithWarnings' | 'failed';
  readonly document: Readonly<Record<string, unknown>>;
  /** Says why where the outcome is no success: gives clients code and sentence beside the document. */
  readonly error?: HoldfastError;
}

/** Where actions outlive the process. Handed in: the catalog's table. */
export interface ActionHistory {
  insert(action: Action, requestId: string, subjectId: string | null): void;
  update(action: Action): void;
  findByRequestId(requestId: string): Action | undefined;
}

/** An action that has not ended. */
export interface ActionUnderWay {
  readonly action: Action;
  readonly state: 'queued' | 'running';
  readonly subjectId: string | null;
}

export interface ActionQueueOptions {
  readonly history: ActionHistory;
  /** Monotonic, milliseconds. */
  readonly now: () => number;
  /** Wall clock, for the times that people read. */
  readonly wallClock: () => Date;
  /** How many actions may run at once. */
  readonly concurrency: number;
  readonly onChanged: (action: Action) => void;
  /** Told what an action failed of, whole: for the log. The action itself shows of an error that nobody foresaw only that there was one. */
  readonly onFailed: (action: Action, error: unknown) => void;
}

interface Entry {
  action: Action;
  readonly request: ActionRequest;
  readonly controller: AbortController;
  readonly ended: PromiseWithResolvers<Action>;
}

/** Runs actions in the order of their asking, as far as their lanes are free. Owns every running action until it has ended. */
export class ActionQueue {
  readonly #options: ActionQueueOptions;
  readonly #entries = new Map<string, Entry>();
  /** Ended ones that the history could not take (a full disk): its rows of them still say that they run. */
  readonly #unwritten = new Map<string, Action>();
  #closing = false;

  constructor(options: ActionQueueOptions) {
    this.#options = options;
  }

  /** Those that run, then those that wait, each in the order of asking. */
  get underWay(): readonly ActionUnderWay[] {
    const entries = [...this.#entries.values()];
    return (['running', 'queued'] as const).flatMap((state) =>
      entries
        .filter(({ action }) => action.state === state)
        .map(({ action, request }) => ({ action, state, subjectId: request.subjectId ?? null })),
    );
  }

  /** How many wait or run. */
  get unfinished(): number {
    return this.#entries.size;
  }

  /** Whether an action that waits or runs holds this lane. */
  isBusy(lane: string): boolean {
    return [...this.#entries.values()].some((entry) => entry.request.lanes.includes(lane));
  }

  /** Actions that have not ended, by id; those that have are in the history, unless it could not be written. */
  get(actionId: string): Action | undefined {
    return this.#entries.get(actionId)?.action ?? this.#unwritten.get(actionId);
  }

  submit(request: ActionRequest): Action {
    const earlier = this.#find(request.requestId) ?? this.#options.history.findByRequestId(request.requestId);
    if (earlier !== undefined) return earlier;
    if (this.#closing)
      throw new HoldfastError('failed', `Failed to start ${request.kind}: the daemon is ending.`, { fix: 'Run it again.' });
    const action: Action = {
      actionId: randomUUID(),
      kind: request.kind,
      subject: request.subject,
      state: 'queued',
      startedBy: request.startedBy ?? 'user',
      queuedAt: this.#options.wallClock().toISOString(),
      startedAt: null,
      finishedAt: null,
      progress: noProgress,
      result: null,
      error: null,
    };
    this.#options.history.insert(action, request.requestId, request.subjectId ?? null);
    const entry: Entry = { action, request, controller: new AbortController(), ended: Promise.withResolvers() };
    this.#entries.set(action.actionId, entry);
    this.#options.onChanged(action);
    this.#startWhatCanStart();
    return entry.action;
  }

  /** Asks an action to end; it ends as `cancelled` within about a second. `false` where it had ended already or is not known. */
  cancel(actionId: string): boolean {
    const entry = this.#entries.get(actionId);
    if (entry === undefined) return false;
    const { kind, subject, state } = entry.action;
    const cancelled = new HoldfastError('cancelled', `Cancelled ${kind} of ${subject}.`);
    entry.controller.abort(cancelled);
    if (state === 'queued') this.#end(entry, { state: 'cancelled', error: documentOf(cancelled) });
    return true;
  }

  /** Resolves with the ended action; `undefined` where it is not among those that have not ended. */
  ended(actionId: string): Promise<Action> | undefined {
    return this.#entries.get(actionId)?.ended.promise;
  }

  /** Cancels everything and resolves once nothing runs. No action starts afterwards. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.cancelAll();
  }

  /** Cancels what waits and runs, and resolves once it has ended. */
  async cancelAll(): Promise<void> {
    const ends = [...this.#entries.values()].map((entry) => entry.ended.promise);
    for (const actionId of this.#entries.keys()) this.cancel(actionId);
    await Promise.all(ends);
  }

  #find(requestId: string): Action | undefined {
    return [...this.#entries.values()].find((entry) => entry.request.requestId === requestId)?.action;
  }

  #startWhatCanStart(): void {
    const busy = new Set<string>();
    let running = 0;
    for (const entry of this.#entries.values()) {
      if (entry.action.state !== 'running') continue;
      running += 1;
      for (const lane of entry.request.lanes) busy.add(lane);
    }
    for (const entry of this.#entries.values()) {
      if (entry.action.state !== 'queued') continue;
      const isFree = entry.request.lanes.every((lane) => !busy.has(lane));
      // A waiting action keeps its lanes against later ones, so that none waits for ever.
      for (const lane of entry.request.lanes) busy.add(lane);
      if (!isFree || running >= this.#options.concurrency) continue;
      running += 1;
      void this.#run(entry);
    }
  }

  async #run(entry: Entry): Promise<void> {
    const tracker = new ProgressTracker(this.#options.now);
    this.#change(entry, { state: 'running', startedAt: this.#options.wallClock().toISOString() });
    const { signal } = entry.controller;
    try {
      this.#options.history.update(entry.action);
      const result = await entry.request.work({
        actionId: entry.action.actionId,
        signal,
        report: (progress) => {
          if (entry.action.state === 'running') this.#change(entry, { progress: tracker.update(progress) });
        },
      });
      this.#end(entry, {
        state: result.outcome,
        result: result.document,
        error: result.error === undefined ? null : documentOf(result.error),
      });
    } catch (error) {
      const wasCancelled = signal.aborted && (HoldfastError.is(error, 'cancelled') || error === signal.reason);
      const { kind, subject } = entry.action;
      const known = HoldfastError.is(error) ? error : HoldfastError.unforeseen(`finish ${kind} of ${subject}`, error);
      if (!wasCancelled) this.#options.onFailed(entry.action, error);
      this.#end(entry, { state: wasCancelled ? 'cancelled' : 'failed', error: documentOf(known) });
    }
  }

  #change(entry: Entry, change: Partial<Action>): void {
    entry.action = { ...entry.action, ...change };
    this.#options.onChanged(entry.action);
  }

  #end(entry: Entry, change: Partial<Action>): void {
    if (isEnded(entry.action.state)) return;
    entry.action = { ...entry.action, ...change, finishedAt: this.#options.wallClock().toISOString() };
    this.#entries.delete(entry.action.actionId);
    this.#remember(entry.action);
    this.#options.onChanged(entry.action);
    entry.ended.resolve(entry.action);
    this.#startWhatCanStart();
  }

  /** An end that can not be written down is an end all the same: whoever waits for it must not wait for ever. It is written with the next one. */
  #remember(action: Action): void {
    this.#unwritten.set(action.actionId, action);
    try {
      for (const [actionId, unwritten] of this.#unwritten) {
        this.#options.history.update(unwritten);
        this.#unwritten.delete(actionId);
      }
    } catch (error) {
      this.#options.onFailed(action, error);
    }
  }
}

function documentOf({ code, message, fix, details }: HoldfastError): ErrorDocument {
  return { code, message, fix: fix ?? null, details: details ?? null };
}
