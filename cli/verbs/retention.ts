import { type Policy, type Retention, retentionMost } from '../../protocol/methods/policies.ts';
import { policyRetention, retentionUnits, usualRetention } from '../../protocol/methods/retention.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import { escaped, shellWord } from '../../client/shown/text.ts';
import { counted, moment, shortId } from '../../client/shown/units.ts';
import type { Call } from '../call.ts';
import { reference } from '../names.ts';
import { table } from '../output/table.ts';
import type { Result } from '../result.ts';
import type { Session } from '../session.ts';
import { wholeNumber } from '../values.ts';

export async function retention(call: Call, session: Session): Promise<Result> {
  const policy = reference('policy', call.argument('NAME'));
  if (!call.isOn('--dry-run')) {
    throw call.problem(
      'it only shows what the rules retire, which --dry-run says',
      `Run "holdfast policy retention ${shellWord(policy)} --dry-run"; the next run of the policy does it ("holdfast backup ${shellWord(policy)}").`,
    );
  }
  const items = await session.list(policyRetention, { policy });
  const { style, host } = session;
  const now = host.now();
  const rows = items.map(({ id, startedAt, keep, reasons }) => [
    shortId(id),
    moment(startedAt, now),
    keep ? style.good('keep') : style.warning('retire'),
    escaped(reasons.join(', ')),
  ]);
  const columns = [{ title: 'ID' }, { title: 'STARTED' }, { title: '' }, { title: 'WHY' }];
  const going = items.filter(({ keep }) => !keep).length;
  const sum = `${counted(going, 'restore point')} of ${items.length} would be retired by the next run.`;
  const lines = items.length === 0 ? ['No restore point.'] : [...table(columns, rows, (text) => style.dim(text)), '', sum];
  return { document: items, lines };
}

/** What the `--keep-…` flags say: units that are not named are 0, `--keep-all` is `null`; `undefined` where none was given. */
export function keepOf(call: Call): Retention | null | undefined {
  const given = retentionUnits.filter((unit) => call.isGiven(`--keep-${unit}`));
  if (call.isOn('--keep-all')) {
    if (given.length > 0) throw call.problem(`--keep-all and --keep-${given[0]} exclude each other`);
    return null;
  }
  if (given.length === 0) return undefined;
  const keep = { latest: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };
  for (const unit of given) keep[unit] = countOf(`--keep-${unit}`, call.requiredText(`--keep-${unit}`));
  return keep;
}

function countOf(flag: string, text: string): number {
  const value = wholeNumber(flag, text);
  if (value <= retentionMost) return value;
  throw new HoldfastError('badValue', `Failed to read ${flag}: it is above ${retentionMost}.`, { fix: `Give ${flag} a smaller number.` });
}

/** For `policy create`: the usual rules where nothing was said. */
export function keepOrUsual(call: Call): { readonly keep: Retention | null; readonly isUsual: boolean } {
  const keep = keepOf(call);
  return keep === undefined ? { keep: usualRetention, isUsual: true } : { keep, isUsual: false };
}

/** `10 latest, 24 hourly`; of nothing but zeros the newest one stays. */
export function keepText(keep: Policy['keep']): string {
  if (keep === null) return 'everything';
  const parts = retentionUnits.flatMap((unit) => (keep[unit] === 0 ? [] : [`${keep[unit]} ${unit}`]));
  return parts.length === 0 ? 'the newest only' : parts.join(', ');
}
