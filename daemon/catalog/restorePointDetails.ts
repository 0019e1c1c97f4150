import * as z from 'zod';

/** What the catalog keeps of a restore point under seal. */
export interface RestorePointDetails {
  readonly description: string | null;
  readonly warnings: readonly string[];
  readonly statistics: Readonly<Record<string, unknown>>;
  /** A verification that read the data found some of it lost: only another one that reads it can say that it is back. */
  readonly isDataLost?: boolean;
}

const detailsSchema: z.ZodType<RestorePointDetails> = z.object({
  description: z.string().nullable(),
  warnings: z.array(z.string()),
  statistics: z.record(z.string(), z.unknown()),
  isDataLost: z.boolean().exactOptional(),
});

export const noDetails: RestorePointDetails = { description: null, warnings: [], statistics: {} };

/** Reads details back; empty ones while the catalog is sealed. */
export function parseRestorePointDetails(value: unknown): RestorePointDetails {
  const parsed = detailsSchema.safeParse(value);
  return parsed.success ? parsed.data : noDetails;
}
