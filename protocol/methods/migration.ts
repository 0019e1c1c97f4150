import * as z from 'zod';
import { type Method, type SecretRef, secretRef, type StreamRef, streamRef } from '../method.ts';
import { type Policy, policy } from './policies.ts';
import { count, type Finding, finding, findingsInline, newName, reference, storedName, time, uuid } from './values.ts';

export interface PolicyExportParams {
  readonly policy: string;
  /** Seconds from now until which an importer takes it; `null`: for ever. */
  readonly expiresIn: number | null;
}

export interface PolicyExportResult {
  readonly policyId: string;
  readonly policy: string;
  /** Of the import data, in hex: what two people compare by voice. */
  readonly fingerprint: string;
  readonly madeAt: string;
  readonly expiresAt: string | null;
  /** How many generations of keys are in it. */
  readonly generations: number;
  /** The import data (docs/format.md, Import data), sealed as a secret of the answer (docs/protocol.md, Messages). */
  readonly data: StreamRef;
}

interface Bounds {
  readonly least: number;
  readonly most: number;
}

const yearSeconds = 366 * 86_400;

/** How long import data may be good for, and how often an imported policy may be looked at, in seconds. */
export const migrationTimes: { readonly expiry: Bounds; readonly poll: Bounds } = {
  expiry: { least: 60, most: 10 * yearSeconds },
  poll: { least: 60, most: yearSeconds },
};

/**
 * The import data of one policy: a secret that opens all its restore points, and lets its holder forge some. Errors, before the step-up: `unknownName`,
 * `ambiguousName`, `refusedByRule` (imported itself, or without a location).
 */
export const policyExport: Method<PolicyExportParams, PolicyExportResult> = {
  name: 'policy.export',
  params: z.strictObject({
    policy: reference,
    expiresIn: z.int().min(migrationTimes.expiry.least).max(migrationTimes.expiry.most).nullable(),
  }),
  result: z.strictObject({
    policyId: uuid,
    policy: storedName,
    fingerprint: z.string(),
    madeAt: time,
    expiresAt: time.nullable(),
    generations: count,
    data: streamRef,
  }),
  right: 'stepUp',
  audit: { subjects: { policy: 'policy' }, facts: ['expiresIn'] },
};

export interface PolicyImportParams {
  /** The import data, white space and all. */
  readonly data: SecretRef;
  /** A location of this installation that reaches the store in which the restore points lie. */
  readonly location: string;
  /** Its name here; left out: the one that it has at the exporter, or has here already. */
  readonly name?: string;
  /** How often its restore points are looked for; `null`: not by itself. */
  readonly pollSeconds: number | null;
}

export interface PolicyImportResult {
  readonly policy: Policy;
  readonly fingerprint: string;
  /** Restore points that came onto the list, and that left it. */
  readonly added: number;
  readonly gone: number;
  /** Objects that could not be used; the first of them. */
  readonly damaged: readonly Finding[];
  readonly damagedCount: number;
}

/**
 * Another installation's policy, to be read here: its restore points come onto the list. Nothing is written for it, and no lock is extended. The same once more
 * brings the list up to date. Errors: `badValue` (`details.problem`: no, cut, altered or malformed), `notInThisVersion` (another version of import data),
 * `refusedByRule` (expired, an own policy, or a location that is another store), `nameTaken`, `unknownName` (the location).
 */
export const policyImport: Method<PolicyImportParams, PolicyImportResult> = {
  name: 'policy.import',
  params: z.strictObject({
    data: secretRef,
    location: reference,
    name: newName.exactOptional(),
    pollSeconds: z.int().min(migrationTimes.poll.least).max(migrationTimes.poll.most).nullable(),
  }),
  result: z.strictObject({
    policy,
    fingerprint: z.string(),
    added: count,
    gone: count,
    damaged: z.array(finding).max(findingsInline),
    damagedCount: count,
  }),
  right: 'unlocked',
  audit: { subjects: { location: 'location' }, facts: ['pollSeconds'], made: { 'policy.policyId': 'policy' } },
};
