import type { LocationCheck, LocationSaved } from '../../protocol/methods/locations.ts';
import { escaped } from '../../client/shown/text.ts';
import type { Result } from '../result.ts';
import type { Session } from '../session.ts';

/** Where a check failed nothing was saved, and the document is the checks. */
export function savedResult({ location, checks }: LocationSaved, session: Session, sentences: readonly string[]): Result {
  if (location === null) {
    return { document: checks, lines: [...checkLines(checks, session), '', 'Nothing was saved.'], exitStatus: 1 };
  }
  const warnings = checks.filter((check) => check.result !== 'pass');
  return { document: { ...location, checks }, lines: [...checkLines(warnings, session), ...sentences], isNotice: true };
}

export function checkLines(checks: readonly LocationCheck[], { style }: Session): string[] {
  return checks.flatMap(({ check, result, detail, fix }) => {
    const mark = { pass: style.good('pass'), warn: style.warning('warn'), fail: style.bad('fail') }[result];
    return [
      `${mark}  ${style.bold(escaped(check))}: ${escaped(detail)}`,
      ...(fix === null || result === 'pass' ? [] : [`      ${escaped(fix)}`]),
    ];
  });
}
