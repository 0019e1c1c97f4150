import { existsSync } from 'node:fs';
import path from 'node:path';
import { root } from './cli.ts';

/** The stand-alone reader, to be run with `readerPython()`. */
export const readerScript: string = path.join(root, 'test', 'reader', 'holdfast_reader.py');

/** The Python that has what the reader needs: made by `npm test` in .cache/. `undefined` where it is not there. */
export function readerPython(): string | undefined {
  const given = process.env['HOLDFAST_TEST_PYTHON'];
  if (given !== undefined && given !== '') return given;
  const made = path.join(root, '.cache', 'venv', 'bin', 'python');
  return existsSync(made) ? made : undefined;
}
