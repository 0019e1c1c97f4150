import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { HoldfastError } from '../../protocol/errors.ts';
import { systemCode } from '../../protocol/systemCode.ts';

const fileName = 'machine-id';

/**
 * The UUID that the daemon of this state directory drew when it was first asked for: it tells machines apart for people (docs/format.md, Bundle). Not in the catalog: what
 * is recovered elsewhere is another machine. Rejects with `failed`.
 */
export async function machineIdOf(stateDirectory: string): Promise<string> {
  const file = path.join(stateDirectory, fileName);
  try {
    const known = z.uuid().safeParse((await readFile(file, 'utf8')).trim());
    if (known.success) return known.data;
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw unusable(error);
  }
  const drawn = randomUUID();
  try {
    await writeFile(file, `${drawn}\n`, { mode: 0o600, flush: true });
  } catch (error) {
    throw unusable(error);
  }
  return drawn;
}

function unusable(cause: unknown): HoldfastError {
  return HoldfastError.failedTo('failed', `use ${fileName}`, 'the state directory does not let it', {
    fix: 'Look at its permissions.',
    cause,
  });
}
