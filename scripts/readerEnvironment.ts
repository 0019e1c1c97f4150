// The Python environment of the second reader (test/reader): made once in .cache/, again where its requirements change.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root, run } from './run.ts';

/** Either the Python to run, or a sentence that says what to install. */
export type ReaderEnvironment = { readonly python: string } | { readonly missing: string };

const oldestMinor = 11;
const venv = path.join(root, '.cache', 'venv');
const venvPython = path.join(venv, ...(process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python']));
const requirements = path.join(root, 'test', 'reader', 'requirements.txt');

async function isNewEnough(python: string): Promise<boolean> {
  const { status } = await run(python, ['-c', `import sys; sys.exit(sys.version_info < (3, ${oldestMinor}))`]);
  return status === 0;
}

/** HOLDFAST_PYTHON, or the first Python on the PATH that is new enough. */
async function systemPython(): Promise<string | undefined> {
  const given = process.env['HOLDFAST_PYTHON'];
  for (const candidate of given === undefined ? ['python3', 'python', 'python3.13', 'python3.12', 'python3.11'] : [given]) {
    if (await isNewEnough(candidate)) return candidate;
  }
  return undefined;
}

/** Makes the environment where it is not there yet, and installs what the reader needs. */
export async function prepareReaderEnvironment(): Promise<ReaderEnvironment> {
  const wanted = createHash('sha256').update(root).update('\0').update(readFileSync(requirements)).digest('hex');
  const stamp = path.join(venv, '.holdfast-installed');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted && (await isNewEnough(venvPython))) return { python: venvPython };
  const python = await systemPython();
  if (python === undefined) {
    return {
      missing: `Install Python 3.${oldestMinor} or newer with its venv module (Debian: apt-get install python3 python3-venv), or name one in HOLDFAST_PYTHON.`,
    };
  }
  rmSync(venv, { recursive: true, force: true });
  const made = await run(python, ['-m', 'venv', venv]);
  if (made.status !== 0) {
    return { missing: `Install the venv module of ${python} (Debian: apt-get install python3-venv). It said: ${made.output.trim()}` };
  }
  const installed = await run(venvPython, [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--disable-pip-version-check',
    '--no-input',
    '--requirement',
    requirements,
  ]);
  if (installed.status !== 0) {
    return {
      missing: `Let pip install test/reader/requirements.txt, which needs its packages from a registry. It said: ${installed.output.trim()}`,
    };
  }
  writeFileSync(stamp, wanted);
  return { python: venvPython };
}
