import { HoldfastError } from '../protocol/errors.ts';
import { nameProblem, referenceLength } from '../protocol/methods/values.ts';
import { quoted } from '../client/shown/text.ts';

/** A name for something new, as typed. Errors: `badValue`. */
export function newName(what: string, typed: string): string {
  const problem = nameProblem(typed);
  if (problem === undefined) return typed;
  throw new HoldfastError('badValue', `Failed to name the ${what} ${quoted(typed)}: ${problem}.`, { fix: 'Choose another name.' });
}

/** A name or id of something that is there, as typed. What no name can be is known to be unknown. Errors: `unknownName`. */
export function reference(what: string, typed: string): string {
  if (typed.length > 0 && typed.length <= referenceLength) return typed;
  throw new HoldfastError('unknownName', `Failed to find the ${what} ${quoted(typed)}: there is none of that name.`, {
    fix: 'Name another one.',
  });
}
