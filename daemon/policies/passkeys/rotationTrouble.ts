import * as z from 'zod';
import type { ServiceKeyRecord } from '../../catalog/serviceKeyStore.ts';

/** Why a rotation by itself came to nothing. Not sealed: it holds no word of the key service. */
export interface RotationTrouble {
  /** RFC 3339. */
  readonly at: string;
  /** For whoever may do at the service what this program may not. */
  readonly command: string | null;
  readonly fix: string | null;
}

const rotationTroubleSchema: z.ZodType<RotationTrouble> = z.strictObject({
  at: z.string(),
  command: z.string().nullable(),
  fix: z.string().nullable(),
});

export function rotationTroubleIn(record: ServiceKeyRecord | undefined): RotationTrouble | undefined {
  const text = record?.rotationTrouble ?? null;
  return text === null ? undefined : rotationTroubleSchema.parse(JSON.parse(text));
}
