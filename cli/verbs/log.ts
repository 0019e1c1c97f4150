import { HoldfastError } from '../../protocol/errors.ts';
import { type LogLine, logRead, logReadDefault } from '../../protocol/methods/log.ts';
import type { Call } from '../call.ts';
import { jsonText } from '../output/json.ts';
import type { Style } from '../output/style.ts';
import { escaped } from '../../client/shown/text.ts';
import type { Result } from '../result.ts';
import type { Session } from '../session.ts';
import { wholeNumber } from '../values.ts';

const lookEveryMs = 500;
const linesMost = 1000;

export async function log(call: Call, session: Session): Promise<Result> {
  const typed = call.text('--limit');
  const limit = typed === undefined ? logReadDefault : Math.min(linesMost, wholeNumber('--limit', typed, 1));
  const { items, cursor } = await session.call(logRead, { limit });
  if (!call.isOn('--follow')) return { document: items, lines: items.map((line) => textOf(line, session.style)) };
  return await followFrom(items, cursor, session);
}

async function followFrom(newest: readonly LogLine[], start: string, session: Session): Promise<Result> {
  const { host } = session;
  const daemon = await session.daemon();
  const interrupted = new AbortController();
  using stack = new DisposableStack();
  stack.use(host.onInterrupt(() => interrupted.abort()));
  void daemon.closed.then(() =>
    interrupted.abort(
      new HoldfastError('daemonEnded', 'Failed to go on with the log: the daemon ended.', { fix: 'Start it again with any verb.' }),
    ),
  );
  // Only now: whoever has read the first line may already press Ctrl-C.
  await print(newest, session);
  let after = start;
  while (!interrupted.signal.aborted) {
    await host.pause(lookEveryMs, interrupted.signal);
    if (interrupted.signal.aborted) break;
    const { items, cursor } = await daemon.call(logRead, { after });
    await print(items, session);
    after = cursor;
  }
  if (HoldfastError.is(interrupted.signal.reason)) throw interrupted.signal.reason;
  return { document: null, isPrinted: true, exitStatus: 130 };
}

async function print(lines: readonly LogLine[], { host, globals, style }: Session): Promise<void> {
  const texts = lines.map((line) => (globals.json ? jsonText(line) : textOf(line, style)));
  if (texts.length > 0) await host.out.write(`${texts.join('\n')}\n`);
}

function textOf({ time, level, message, facts }: LogLine, style: Style): string {
  const word = level.padEnd(5);
  const shownLevel = level === 'error' ? style.bad(word) : level === 'warn' ? style.warning(word) : style.dim(word);
  const shownFacts = facts === null || Object.keys(facts).length === 0 ? '' : style.dim(`  ${jsonText(facts)}`);
  return `${style.dim(time)} ${shownLevel} ${escaped(message)}${shownFacts}`;
}
