import { HoldfastError } from '../../protocol/errors.ts';
import type { Call } from '../call.ts';
import { completionScripts } from '../completion.ts';
import { quoted } from '../../client/shown/text.ts';
import type { Result } from '../result.ts';

export function completion(call: Call): Promise<Result> {
  const shell = call.argument('SHELL');
  const make = new Map(Object.entries(completionScripts)).get(shell);
  if (make === undefined) {
    throw new HoldfastError('badValue', `Failed to make a completion script: ${quoted(shell)} is no shell that is known.`, {
      fix: `Name one of ${Object.keys(completionScripts).join(', ')}.`,
    });
  }
  const script = make();
  return Promise.resolve({ document: { shell, script }, lines: [script.trimEnd()] });
}
