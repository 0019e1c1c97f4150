import { HoldfastError } from '../../protocol/errors.ts';
import { type Alert, type AlertSnoozeParams, alertAcknowledge, alertList, alertSnooze } from '../../protocol/methods/alerts.ts';
import { clipped, escaped, quoted } from '../../client/shown/text.ts';
import { moment, shortId } from '../../client/shown/units.ts';
import { secondsOf } from '../../client/typedUnits.ts';
import type { Call } from '../call.ts';
import { reference } from '../names.ts';
import type { Style } from '../output/style.ts';
import { table } from '../output/table.ts';
import type { Result } from '../result.ts';
import type { Session } from '../session.ts';
import { time } from '../values.ts';

export async function list(call: Call, session: Session): Promise<Result> {
  const all = call.isOn('--all');
  const alerts = await session.list(alertList, { all });
  const { style, host } = session;
  const now = host.now();
  const hasLocks = alerts.some(({ safeUntil }) => safeUntil !== null);
  const rows = alerts.map((alert) => [
    style.bold(shortId(alert.id)),
    severityText(alert, style),
    alert.state,
    clipped(escaped(alert.message), 100),
    moment(alert.since, now),
    ...(hasLocks ? [moment(alert.safeUntil, now)] : []),
  ]);
  const titles = ['ID', 'SEVERITY', 'STATE', 'MESSAGE', 'SINCE', ...(hasLocks ? ['SAFE UNTIL'] : [])].map((title) => ({ title }));
  const lines = alerts.length === 0 ? ['All clear.'] : table(titles, rows, (text) => style.dim(text));
  const fixes = alerts.filter(({ state, fix }) => state === 'open' && fix !== null);
  return {
    document: alerts,
    lines: [
      ...lines,
      ...(fixes.length === 0 ? [] : ['']),
      ...fixes.map((alert) => `${style.bold(shortId(alert.id))}  ${escaped(alert.fix ?? '')}`),
    ],
  };
}

export async function acknowledge(call: Call, session: Session): Promise<Result> {
  const alert = await session.call(alertAcknowledge, { alert: named(call) });
  const lines = [
    alert.state === 'resolved' ? resolvedLine(alert) : `Acknowledged the alert ${shortId(alert.id)}: ${escaped(alert.message)}`,
  ];
  return { document: alert, lines, isNotice: true };
}

export async function snooze(call: Call, session: Session): Promise<Result> {
  const span = spanOf(call, session);
  const alert = await session.call(alertSnooze, { alert: named(call), ...span });
  const until = moment(alert.snoozedUntil, session.host.now());
  const lines = [alert.state === 'resolved' ? resolvedLine(alert) : `Snoozed the alert ${shortId(alert.id)} until ${until}.`];
  return { document: alert, lines, isNotice: true };
}

function spanOf(call: Call, session: Session): Omit<AlertSnoozeParams, 'alert'> {
  const length = call.text('--for');
  const until = call.text('--until');
  if ((length === undefined) === (until === undefined)) throw call.problem('say either --for DURATION or --until TIME');
  if (length === undefined) return { until: untilOf(until ?? '', session) };
  const seconds = secondsOf(length);
  if (seconds !== undefined && seconds > 0) return { for: seconds };
  throw new HoldfastError('badValue', `Failed to read --for: ${quoted(length)} is not a duration such as 30m, 12h or 7d.`, {
    fix: 'Give --for another value.',
  });
}

function untilOf(text: string, session: Session): string {
  if (secondsOf(text) === undefined) return time('--until', text, session.host.now());
  throw new HoldfastError('badValue', `Failed to read --until: ${quoted(text)} is a duration.`, { fix: `Say --for ${text}.` });
}

function named(call: Call): string {
  return reference('alert', call.argument('ID'));
}

function resolvedLine(alert: Alert): string {
  return `The alert ${shortId(alert.id)} is resolved already.`;
}

function severityText({ severity, state }: Alert, style: Style): string {
  if (state !== 'open') return style.dim(severity);
  return severity === 'error' ? style.bad(severity) : severity === 'warning' ? style.warning(severity) : severity;
}
