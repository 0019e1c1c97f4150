import { exitStatusOf, HoldfastError } from '../../protocol/errors.ts';
import {
  type AuditVerification,
  auditList,
  auditVerify,
  type ChainProblem,
  type ListedAuditEntry,
} from '../../protocol/methods/auditLog.ts';
import { clipped, escaped } from '../../client/shown/text.ts';
import { counted, moment, shortId } from '../../client/shown/units.ts';
import type { Call } from '../call.ts';
import type { Style } from '../output/style.ts';
import { table } from '../output/table.ts';
import type { Result } from '../result.ts';
import type { Session } from '../session.ts';
import { wholeNumber } from '../values.ts';

const listedByDefault = 50;

export async function list(call: Call, session: Session): Promise<Result> {
  const limit = call.text('--limit');
  const entries = await session.list(auditList, {}, limit === undefined ? listedByDefault : wholeNumber('--limit', limit, 1));
  const { style, host } = session;
  const now = host.now();
  const rows = entries.map((entry) => [
    style.bold(String(entry.sequence)),
    moment(entry.at, now),
    clipped(escaped(entry.client?.name ?? 'the daemon'), 20),
    escaped(entry.verb),
    outcomeText(entry, style),
    clipped(escaped(entry.subjects.map(subjectText).join(', ')), 80),
  ]);
  const titles = ['ROW', 'WHEN', 'BY', 'VERB', 'OUTCOME', 'ABOUT'].map((title) => ({ title }));
  return { document: entries, lines: entries.length === 0 ? ['Nothing was written yet.'] : table(titles, rows, (text) => style.dim(text)) };
}

export async function verify(call: Call, session: Session): Promise<Result> {
  const head = headOf(call);
  const verification = await session.call(auditVerify, head === undefined ? {} : { head });
  const lines = verification.intact ? wholeLines(verification, session.style) : brokenLines(verification, session.style);
  return { document: verification, lines, exitStatus: verification.intact ? 0 : exitStatusOf.tampered };
}

function headOf(call: Call): string | undefined {
  const typed = call.text('--head')?.toLowerCase();
  if (typed === undefined || /^[0-9a-f]{64}$/.test(typed)) return typed;
  throw new HoldfastError('badValue', 'Failed to read --head: a head is 64 hexadecimal digits.', {
    fix: 'Give the hash as "holdfast audit verify" has printed it.',
  });
}

function wholeLines({ rows, head, given }: AuditVerification, style: Style): readonly string[] {
  if (head === null) return ['The audit log is empty.'];
  return [
    `${style.good('The audit log is whole')}: ${counted(rows, 'row')}, each follows from the one before.`,
    ...(given === null ? [] : [`Row ${given.sequence} has the given head: nothing up to it was changed.`]),
    '',
    `Head, row ${head.sequence}: ${style.bold(head.hash)}`,
    'Keep it where nobody can change it. Only with a head from outside (--head) does the log show that its end was not cut and that it was not written anew.',
  ];
}

const problemTexts: Readonly<Record<ChainProblem, string>> = {
  changed: 'it, or one before it, is not what was written',
  missing: 'it is gone',
  unreadable: 'it holds no entry',
};

function brokenLines({ rows, head, firstBad, given }: AuditVerification, style: Style): readonly string[] {
  const upTo = head === null ? 'No row holds' : `Rows 1 to ${head.sequence} follow from each other`;
  return [
    firstBad === null
      ? `${style.bad('The audit log is not the one of the given head')}: none of its ${counted(rows, 'row')} has it. The log was cut before it, or what led to it was changed and the rest written anew; or the head is of another log.`
      : `${style.bad(`The audit log is broken at row ${firstBad.sequence}`)}: ${problemTexts[firstBad.problem]}. ${upTo}; what comes behind proves nothing.`,
    ...(firstBad !== null && given !== null && given.sequence !== null
      ? [`Row ${given.sequence} has the given head: nothing up to it was changed.`]
      : []),
    '',
    'Somebody who can write the catalog did this. Look through passkeys, locations, policies and restore points, and change the credentials.',
  ];
}

function outcomeText({ outcome, code, ends }: ListedAuditEntry, style: Style): string {
  const word = code === null ? outcome : `${outcome}, ${escaped(code)}`;
  const text = ends === null ? word : `${word} (${ends})`;
  if (outcome === 'refused' || outcome === 'failed') return style.warning(text);
  return outcome === 'unknown' ? style.bad(text) : text;
}

function subjectText({ kind, id, name }: ListedAuditEntry['subjects'][number]): string {
  if (id === null) return `no ${kind}`;
  return name === null ? `${kind} ${shortId(id)}` : `${kind} ${name}`;
}
