import { HoldfastError } from '../../protocol/errors.ts';
import {
  type CommandSource,
  commandLength,
  type Hook,
  hookTimeLimits,
  type Policy,
  type RunRules,
} from '../../protocol/methods/policies.ts';
import { quoted } from '../../client/shown/text.ts';
import { duration } from '../../client/shown/units.ts';
import { secondsOf } from '../../client/typedUnits.ts';
import type { Call } from '../call.ts';
import { newName } from '../names.ts';

/** The sources of `--command NAME=CMD`; `undefined` where none was given. */
export function commandSourcesOf(call: Call): readonly CommandSource[] | undefined {
  return call.texts('--command')?.map((typed): CommandSource => {
    const at = typed.indexOf('=');
    if (at === -1) {
      throw new HoldfastError('badValue', `Failed to read --command: ${quoted(typed)} is not NAME=CMD.`, {
        fix: "Give a name for what the command prints: --command 'db.sql=pg_dump mydb'.",
      });
    }
    return { kind: 'command', name: newName('command', typed.slice(0, at)), command: commandOf('--command', typed.slice(at + 1)) };
  });
}

/** Whether the call says anything of hooks. */
export function namesHooks(call: Call): boolean {
  return ['--before', '--after', '--hook-timeout'].some((flag) => call.text(flag) !== undefined);
}

/** What `--before`, `--after` and `--hook-timeout` make of the hooks that are there; an empty command takes one away. */
export function hooksOf(call: Call, current: Pick<RunRules, 'before' | 'after'>): Pick<RunRules, 'before' | 'after'> {
  const timeLimit = timeLimitOf(call);
  // One time for both, as one flag sets it.
  const usual = current.before?.timeLimit ?? current.after?.timeLimit ?? hookTimeLimits.usual;
  const hook = (flag: '--before' | '--after', known: Hook | null): Hook | null => {
    const typed = call.text(flag);
    if (typed === '') return null;
    const command = typed === undefined ? known?.command : commandOf(flag, typed);
    return command === undefined ? null : { command, timeLimit: timeLimit ?? known?.timeLimit ?? usual };
  };
  const hooks = { before: hook('--before', current.before), after: hook('--after', current.after) };
  if (timeLimit !== undefined && hooks.before === null && hooks.after === null) {
    throw call.problem('--hook-timeout limits nothing: there is no command before or after', 'Give --before CMD or --after CMD too.');
  }
  return hooks;
}

/** Label and text of each hook, for people; the text is not escaped. */
export function hookFacts({ before, after }: Pick<Policy, 'before' | 'after'>): readonly (readonly [string, string])[] {
  return [...hookFact('Before', before), ...hookFact('After', after)];
}

function hookFact(label: string, hook: Hook | null): readonly (readonly [string, string])[] {
  return hook === null ? [] : [[label, `${hook.command} (${duration(hook.timeLimit)} at most)`]];
}

function timeLimitOf(call: Call): number | undefined {
  const typed = call.text('--hook-timeout');
  if (typed === undefined) return undefined;
  const seconds = secondsOf(typed);
  if (seconds !== undefined && seconds >= 1 && seconds <= hookTimeLimits.most) return seconds;
  throw new HoldfastError('badValue', `Failed to read --hook-timeout: ${quoted(typed)} is not a duration such as 30s or 10m, at most 1d.`, {
    fix: 'Give --hook-timeout another value.',
  });
}

function commandOf(flag: string, typed: string): string {
  if (typed.length > 0 && typed.length <= commandLength && !typed.includes('\0')) return typed;
  throw new HoldfastError('badValue', `Failed to read ${flag}: a command has 1 to ${commandLength} characters.`, {
    fix: 'Put what is long into a script, and name that.',
  });
}
