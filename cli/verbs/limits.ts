import type { RunRules } from '../../protocol/methods/policies.ts';
import { size } from '../../client/shown/units.ts';
import type { Call } from '../call.ts';
import { bytes } from '../values.ts';

/** Bytes a second as typed: `null` for 0, which takes a limit away; `undefined` where nothing was typed. */
export function rateOf(call: Call, flag: string): number | null | undefined {
  const text = call.text(flag);
  if (text === undefined) return undefined;
  const rate = bytes(flag, text);
  return rate === 0 ? null : rate;
}

/** Only what was typed. */
export function limitsOf(call: Call): Partial<Pick<RunRules, 'readLimit' | 'lowPriority'>> {
  const readLimit = rateOf(call, '--read-limit');
  const lowPriority = call.toggle('--low-priority');
  return { ...(readLimit === undefined ? {} : { readLimit }), ...(lowPriority === undefined ? {} : { lowPriority }) };
}

export function rateText(bytesPerSecond: number): string {
  return `${size(bytesPerSecond)}/s`;
}

/** How a policy's runs hold back, each as a clause. */
export function limitTexts({ readLimit, lowPriority }: Pick<RunRules, 'readLimit' | 'lowPriority'>): readonly string[] {
  return [...(readLimit === null ? [] : [`reads ${rateText(readLimit)} at most`]), ...(lowPriority ? ['lets other work go first'] : [])];
}
