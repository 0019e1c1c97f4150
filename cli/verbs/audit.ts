import { exitStatusOf } from '../../protocol/errors.ts';
import type { ActionWithResult } from '../../protocol/methods/actions.ts';
import { type AuditDocument, auditDocument, immutabilityAudit } from '../../protocol/methods/immutability.ts';
import { clipped, escaped } from '../../client/shown/text.ts';
import { counted, duration, moment, stamp } from '../../client/shown/units.ts';
import type { Call } from '../call.ts';
import { finish } from '../finish.ts';
import { keyText } from '../locationTexts.ts';
import { documentOfAction, errorOfAction, printsDocument, statusOfAction } from '../outcome.ts';
import { table } from '../output/table.ts';
import type { Result } from '../result.ts';
import type { Session } from '../session.ts';
import { chosen } from './immutability.ts';

const findingsShown = 50;

export async function audit(call: Call, session: Session): Promise<Result> {
  const params = chosen(call);
  await session.heedInterrupts();
  const { actionId } = await session.call(immutabilityAudit, { requestId: session.host.uuid(), ...params });
  const label = params.location === undefined ? 'Auditing all immutable locations' : `Auditing ${escaped(params.location)}`;
  return await finish(session, { actionId, label }, async (action) => audited(action, session));
}

function audited(action: ActionWithResult, session: Session): Result {
  const status = statusOfAction(action);
  if (!printsDocument(status)) throw errorOfAction(action);
  const document = documentOfAction(action, auditDocument);
  const { findingsCount, versions, seconds } = document;
  const looked = `${counted(versions, 'version')}, ${duration(seconds)}`;
  if (findingsCount === 0) {
    return {
      document,
      lines: [`${session.style.good('Nothing was tampered with')}: the store holds what the ledger says (${looked}).`],
      exitStatus: status,
    };
  }
  const fix = action.error?.fix ?? usualFix;
  return {
    document,
    lines: [
      `${session.style.bad(counted(findingsCount, 'finding'))} (${looked}).`,
      ...sinceLines(document, session),
      '',
      ...tableOf(document, session),
      '',
      escaped(fix),
    ],
    exitStatus: exitStatusOf.tampered,
  };
}

const usualFix =
  'Change the credentials that could do this. Restores read by version id, so what was hidden or overwritten still comes back; holdfast restore-point verify ID says of each.';

function sinceLines({ tamperedSince }: AuditDocument, { host, style }: Session): string[] {
  return tamperedSince === null ? [] : [`First tampered with: ${style.bold(moment(tamperedSince, host.now()))}.`];
}

function tableOf({ findings, findingsCount }: AuditDocument, { style }: Session): string[] {
  const hasSeveral = new Set(findings.map(({ location }) => location)).size > 1;
  const titles = ['SINCE', 'KIND', ...(hasSeveral ? ['LOCATION'] : []), 'KEY', 'WHAT'].map((title) => ({ title }));
  const shown = findings.slice(0, findingsShown);
  const rows = shown.map(({ kind, key, firstSeen, storeTime, detail, location }) => [
    stamp(new Date(storeTime ?? firstSeen)),
    style.bad(clipped(escaped(kind), 30)),
    ...(hasSeveral ? [clipped(escaped(location), 40)] : []),
    keyText(key),
    clipped(escaped(detail), 120),
  ]);
  const rest = findingsCount - shown.length;
  const lines = table(titles, rows, (text) => style.dim(text));
  return rest <= 0 ? lines : [...lines, `and ${counted(rest, 'more', 'more')}; --json names more of them`];
}
