import { HoldfastError } from '../protocol/errors.ts';
import { type ActionWithResult, actionCancel, actionResult, isEnded } from '../protocol/methods/actions.ts';
import type { Interrupts } from './interrupts.ts';
import { ProgressDisplay } from './output/progressDisplay.ts';
import type { Session } from './session.ts';

/** Events may be lost to a client that fell behind; it looks at least this often. */
const lookEveryMs = 1000;

export interface FollowedAction {
  readonly actionId: string;
  /** For people: `Backing up work`. */
  readonly label: string;
}

export interface FollowOptions {
  /** Called with every state that was seen, the end included; `show` draws progress where it is left out. */
  readonly onChange?: (action: ActionWithResult) => Promise<void>;
  /** Ctrl-C cancels the actions; otherwise it only ends the looking. */
  readonly cancelOnInterrupt: boolean;
}

/**
 * Waits for actions to end, in their order, showing how they go. Ctrl-C cancels them all and waits for that; a second one ends at once.
 * Errors: `daemonEnded` as soon as the connection is gone; `cancelled` where it only looks.
 */
export async function follow(
  session: Session,
  actions: readonly FollowedAction[],
  options: FollowOptions,
): Promise<readonly ActionWithResult[]> {
  const daemon = await session.daemon();
  const watch = new Watch(session.interrupts);
  using stack = new DisposableStack();
  stack.use(session.interrupts.tell(() => watch.wake()));
  stack.use(await daemon.subscribe(['action.changed', 'lookAgain'], () => watch.wake()));
  void daemon.closed.then(() => watch.close());
  const ends: ActionWithResult[] = [];
  for (const { actionId, label } of actions) {
    await using display = new ProgressDisplay({ host: session.host, style: session.style, label });
    for (;;) {
      const news = watch.next();
      if (watch.isInterruptedAnew()) {
        if (!options.cancelOnInterrupt) throw stoppedLooking();
        await whileOpen(watch, label, Promise.all(actions.map((each) => daemon.call(actionCancel, { actionId: each.actionId }))));
      }
      if (watch.interrupts > 1) throw new HoldfastError('cancelled', 'Cancelled; the daemon is still ending the work.');
      const action = await whileOpen(watch, label, daemon.call(actionResult, { actionId }));
      await options.onChange?.(action);
      if (isEnded(action.state)) {
        ends.push(action);
        break;
      }
      if (session.globals.progress && !session.globals.quiet && options.onChange === undefined) await display.show(action);
      using timer = new Timer(session.host, lookEveryMs);
      await Promise.race([news, timer.over]);
    }
  }
  return ends;
}

/** What may wake a wait: an event, Ctrl-C, the end of the connection. */
class Watch {
  #news: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #closed: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #interrupts: Interrupts;
  #isInterruptSeen = false;

  constructor(interrupts: Interrupts) {
    this.#interrupts = interrupts;
  }

  get interrupts(): number {
    return this.#interrupts.count;
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Resolves at whatever happens from now on. */
  next(): Promise<void> {
    this.#news = Promise.withResolvers();
    return this.#news.promise;
  }

  wake(): void {
    this.#news.resolve();
  }

  /** True once, at the first look after Ctrl-C. */
  isInterruptedAnew(): boolean {
    const isAnew = this.interrupts > 0 && !this.#isInterruptSeen;
    this.#isInterruptSeen ||= isAnew;
    return isAnew;
  }

  close(): void {
    this.#closed.resolve();
    this.wake();
  }
}

/** The answer, or `daemonEnded` where the connection goes before it comes. */
async function whileOpen<T>(watch: Watch, label: string, answer: Promise<T>): Promise<T> {
  const gone = watch.closed.then(() => daemonEnded(label));
  let first: T | HoldfastError;
  try {
    first = await Promise.race([answer, gone]);
  } catch (error) {
    // A request that was cut off rejects in words of the connection's; for the user it is the daemon that ended.
    if (HoldfastError.is(error, 'daemonEnded', 'daemonNotRunning')) throw daemonEnded(label, error);
    throw error;
  }
  if (first instanceof HoldfastError) throw first;
  return first;
}

/** A pause that can be given up. */
class Timer implements Disposable {
  readonly #controller = new AbortController();
  readonly over: Promise<void>;

  constructor(host: Session['host'], milliseconds: number) {
    this.over = host.pause(milliseconds, this.#controller.signal);
  }

  [Symbol.dispose](): void {
    this.#controller.abort();
  }
}

function daemonEnded(label: string, cause?: unknown): HoldfastError {
  return new HoldfastError('daemonEnded', `Failed to go on with "${label}": the daemon ended.`, {
    fix: 'Run it again; holdfast log says why it ended.',
    cause,
  });
}

function stoppedLooking(): HoldfastError {
  return new HoldfastError('cancelled', 'Stopped looking; the work goes on.');
}
