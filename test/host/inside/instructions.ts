import { readFileSync } from 'node:fs';
import * as z from 'zod';

/** What the layer tells the tests inside an extension host, in a file that HOLDFAST_INSIDE names. One window a file of tests. */
export interface InsideInstructions {
  readonly files: readonly string[];
  readonly reportFile: string;
  /** Gets what people read. */
  readonly outputFile: string;
  /** State directory of the window's extension: fresh. */
  readonly state: string;
  readonly passphraseFile: string;
  /** The workspace folder, empty at first. */
  readonly folder: string;
}

const shape: z.ZodType<InsideInstructions> = z.strictObject({
  files: z.array(z.string()),
  reportFile: z.string(),
  outputFile: z.string(),
  state: z.string(),
  passphraseFile: z.string(),
  folder: z.string(),
});

export function readInsideInstructions(): InsideInstructions {
  const file = process.env['HOLDFAST_INSIDE'];
  if (file === undefined) throw new Error('there is no extension host: run this file with node scripts/hostLayer.ts');
  return shape.parse(JSON.parse(readFileSync(file, 'utf8')));
}
