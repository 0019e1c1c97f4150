import { isDeepStrictEqual } from 'node:util';
import {
  type NewSource,
  type Policy,
  type PolicyCreateParams,
  type PolicyEditParams,
  type PolicySource,
  type RunRules,
  type SourceRules,
  usualRunRules,
  usualSourceRules,
} from '../../protocol/methods/policies.ts';
import { usualRetention } from '../../protocol/methods/retention.ts';

/** A policy as a form has it so far. */
export interface PolicyDraft extends SourceRules, RunRules {
  readonly name: string;
  readonly sources: readonly NewSource[];
  /** `undefined` until one was chosen. */
  readonly location: { readonly id: string; readonly name: string } | undefined;
}

/** A new policy before anything was said: of the usual retention, by hand only. */
export const emptyDraft: PolicyDraft = {
  ...usualSourceRules,
  ...usualRunRules,
  keep: usualRetention,
  name: '',
  sources: [],
  location: undefined,
};

export function draftOf(policy: Policy): PolicyDraft {
  const { exclude, gitignore, oneFileSystem, includeCaches, maxFileSize, schedule, keep, before, after, readLimit, lowPriority } = policy;
  return {
    exclude,
    gitignore,
    oneFileSystem,
    includeCaches,
    maxFileSize,
    schedule,
    keep,
    before,
    after,
    readLimit,
    lowPriority,
    name: policy.name,
    sources: policy.sources.map(newSourceOf),
    location: { id: policy.locationId, name: policy.location },
  };
}

function newSourceOf(policySource: PolicySource): NewSource {
  const { sourceId: _, ...source } = policySource;
  return source;
}

/** For `policy.create`; `undefined` while something is missing. */
export function creationOf({ location, ...draft }: PolicyDraft): PolicyCreateParams | undefined {
  if (location === undefined || draft.name === '' || draft.sources.length === 0) return undefined;
  return { ...draft, location: location.id };
}

export type DraftField = keyof PolicyDraft;

const draftFields: readonly DraftField[] = [
  'name',
  'sources',
  'location',
  'schedule',
  'keep',
  'exclude',
  'gitignore',
  'oneFileSystem',
  'includeCaches',
  'maxFileSize',
  'before',
  'after',
  'readLimit',
  'lowPriority',
];

/** What differs, in the order in which forms ask. A location that was only renamed is the same one. */
export function changedFields(before: PolicyDraft, after: PolicyDraft): readonly DraftField[] {
  return draftFields.filter((field) =>
    field === 'location' ? before.location?.id !== after.location?.id : !isDeepStrictEqual(before[field], after[field]),
  );
}

/** For `policy.edit`: what the user changed and nothing else, so that what somebody else changed meanwhile stays. */
export function changesOf(before: PolicyDraft, after: PolicyDraft): Omit<PolicyEditParams, 'policy'> {
  const changed = new Set<string>(changedFields(before, after));
  const { location, ...rest } = after;
  const kept = Object.entries(rest).filter(([field]) => changed.has(field));
  return { ...Object.fromEntries(kept), ...(changed.has('location') && location !== undefined ? { location: location.id } : {}) };
}

/** The draft on top of what the policy is by now: fields that the user left alone follow it. */
export function rebased(draft: PolicyDraft, before: PolicyDraft, now: PolicyDraft): PolicyDraft {
  const mine = new Set<string>(changedFields(before, draft));
  const kept = Object.entries(draft).filter(([field]) => mine.has(field));
  return { ...now, ...Object.fromEntries(kept) };
}

/** Fields that both the user and somebody else changed, to different values. */
export function contested(draft: PolicyDraft, before: PolicyDraft, now: PolicyDraft): readonly DraftField[] {
  const theirs = new Set(changedFields(before, now));
  const stillDiffers = new Set(changedFields(now, draft));
  return changedFields(before, draft).filter((field) => theirs.has(field) && stillDiffers.has(field));
}

/** Whether it runs commands of its own: what a workspace that is not trusted may not bring. */
export function runsCommands(fields: Partial<Pick<PolicyDraft, 'before' | 'after' | 'sources'>>): boolean {
  const { before, after, sources } = fields;
  return (before ?? null) !== null || (after ?? null) !== null || (sources ?? []).some(({ kind }) => kind !== 'folder');
}
