import { exitStatusOf, HoldfastError } from '../protocol/errors.ts';
import type { ErrorDocument } from '../protocol/methods/values.ts';
import type { Call } from './call.ts';
import { detailLines } from './errorDetails.ts';
import type { GlobalFlags } from './globals.ts';
import { type Host, OutputClosed } from './host.ts';
import { jsonText } from './output/json.ts';
import { styleFor } from './output/style.ts';
import { clipped, escaped } from '../client/shown/text.ts';
import { parse, wantsJson } from './parser.ts';
import type { Result } from './result.ts';
import { Session } from './session.ts';
import { loaders } from './verbs/index.ts';

/** Runs one command line, without the program's own name, and gives its exit status. Never rejects. */
export async function run(args: readonly string[], host: Host): Promise<number> {
  try {
    return await runOrThrow(args, host);
  } catch (error) {
    if (error instanceof OutputClosed) return 0;
    return await report(error, args, host);
  }
}

async function runOrThrow(args: readonly string[], host: Host): Promise<number> {
  const style = styleFor({ isTerminal: host.out.isTerminal, environment: host.environment, wanted: undefined });
  const parsed = parse(args, { columns: Math.min(host.out.columns, 120), style });
  if (parsed.kind === 'help') {
    await host.out.write(`${parsed.text.trimEnd()}\n`);
    return 0;
  }
  const result = await perform(parsed.call, parsed.globals, host);
  await print(result, parsed.globals, host);
  return result.exitStatus ?? 0;
}

async function perform(call: Call, globals: GlobalFlags, host: Host): Promise<Result> {
  const load = loaders[call.verb.path];
  if (load === undefined) throw new RangeError(`the verb ${call.verb.path} does nothing`);
  const handler = await load();
  await using session = new Session(host, globals);
  return await handler(call, session);
}

async function print(result: Result, globals: GlobalFlags, host: Host): Promise<void> {
  if (result.isPrinted === true) return;
  if (globals.json) {
    await host.out.write(`${jsonText(result.document, host.out.isTerminal ? 2 : 0)}\n`);
  } else if (result.lines !== undefined && result.lines.length > 0 && !(globals.quiet && result.isNotice === true)) {
    await host.out.write(`${result.lines.join('\n')}\n`);
  }
}

/** One sentence and one way out, or the error's document. */
async function report(thrown: unknown, args: readonly string[], host: Host): Promise<number> {
  const error = asHoldfastError(thrown);
  const style = styleFor({ isTerminal: host.err.isTerminal, environment: host.environment, wanted: undefined });
  try {
    if (wantsJson(args)) {
      await host.out.write(`${jsonText({ error: errorDocumentOf(error) })}\n`);
    } else {
      const sentence = shown(error.message);
      await host.err.write(error.code === 'cancelled' ? `${sentence}\n` : `${style.bad(sentence)}\n`);
      const { reasons, command } = detailLines(error);
      for (const line of reasons) await host.err.write(`${line}\n`);
      if (error.fix !== undefined) await host.err.write(`${shown(error.fix)}\n`);
      for (const line of command) await host.err.write(`${line}\n`);
    }
  } catch (closed) {
    if (!(closed instanceof OutputClosed)) throw closed;
  }
  return exitStatusOf[error.code];
}

const shownLimit = 2000;

function shown(text: string): string {
  return clipped(escaped(text), shownLimit);
}

function errorDocumentOf(error: HoldfastError): ErrorDocument {
  return { code: error.code, message: error.message, fix: error.fix ?? null, details: error.details ?? null };
}

function asHoldfastError(thrown: unknown): HoldfastError {
  if (thrown instanceof HoldfastError) return thrown;
  const cause = thrown instanceof Error ? thrown.message : String(thrown);
  return new HoldfastError('failed', `Failed to run holdfast: ${cause.replace(/\.$/, '')}.`, { cause: thrown });
}
