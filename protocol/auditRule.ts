/** What an entry of the audit log can be about. */
export const auditSubjectKinds = ['installation', 'passkey', 'location', 'policy', 'restorePoint', 'action', 'alert'] as const;

export type AuditSubjectKind = (typeof auditSubjectKinds)[number];

/** How a method that changes rights or protection stands in the audit log. One that has no rule is not in it. */
export interface AuditRule {
  /** Parameters that name things. What was typed is not written down, since it may be anything; the id behind it is. */
  readonly subjects?: Readonly<Record<string, 'passkey' | 'location' | 'policy' | 'restorePoint'>>;
  /** Parameters that are written down as they are: numbers, truth values, words of a fixed list and times, never free text. */
  readonly facts?: readonly string[];
  /** Members of the result that are ids of what was made or met; `location.locationId` is a member of a member. */
  readonly made?: Readonly<Record<string, AuditSubjectKind>>;
  /** The kind of the actions of the queue that this act goes on as, or that a schedule starts in its place: their ends are in the log too. */
  readonly action?: string;
  /** What gives rights up, or gives data back: done even where the log can't be written. Everything else is not. */
  readonly evenUnlogged?: boolean;
}
