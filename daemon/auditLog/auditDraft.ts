import type { AuditRule } from '../../protocol/auditRule.ts';
import type { AnyMethod } from '../../protocol/method.ts';
import type { AuditEntry, AuditSubject } from '../../protocol/methods/auditLog.ts';
import { isUuid } from '../../protocol/ids.ts';

/** Kinds of things that people name. */
export type NamedKind = NonNullable<AuditRule['subjects']>[string];

/** The id of what a user has typed; `undefined` where it names nothing. */
export type FindId = (kind: NamedKind, reference: string) => string | undefined;

/** What of a call is written down before its outcome is known. */
export type CallFacts = Pick<AuditEntry, 'verb' | 'subjects' | 'facts' | 'given'>;

/** @param params have passed the method's schema; `undefined` where they were not looked at, or do not fit */
export function factsOfCall({ name: verb, audit = {} }: AnyMethod, params: unknown, findId: FindId): CallFacts {
  const members = membersOf(params);
  const { subjects = {}, facts = [] } = audit;
  return {
    verb,
    subjects: Object.entries(subjects).flatMap(([member, kind]): readonly AuditSubject[] => {
      const typed = members[member];
      return typeof typed === 'string' ? [{ kind, id: findId(kind, typed) ?? null }] : [];
    }),
    facts: Object.fromEntries(facts.flatMap((member) => (members[member] === undefined ? [] : [[member, members[member]]]))),
    given: Object.keys(members).filter(
      (member) => member !== 'requestId' && !facts.includes(member) && !Object.hasOwn(subjects, member) && members[member] !== undefined,
    ),
  };
}

/** What a result says was made; `isWhole`: all that the rule promises. */
export interface MadeSubjects {
  readonly subjects: readonly AuditSubject[];
  readonly isWhole: boolean;
}

export function madeSubjects({ made = {} }: AuditRule, result: unknown): MadeSubjects {
  const subjects = Object.entries(made).map(([path, kind]): AuditSubject => {
    const value = path.split('.').reduce<unknown>((part, member) => membersOf(part)[member], result);
    return { kind, id: typeof value === 'string' && isUuid(value) ? value : null };
  });
  return { subjects: subjects.filter(({ id }) => id !== null), isWhole: subjects.every(({ id }) => id !== null) };
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
