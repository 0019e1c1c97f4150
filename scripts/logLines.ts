import { readFileSync } from 'node:fs';
import type * as z from 'zod';

/** Lines of JSON that tests wrote into a log; none where no test did. */
export function logLines<Line>(file: string, shape: z.ZodType<Line>): readonly Line[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return [];
  }
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => shape.parse(JSON.parse(line)));
}
