import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { canInstallPackages, installPackages } from './aptInstall.ts';
import { root, run } from './run.ts';

/** Either the Python to run, or a sentence that says what to install. */
export type PythonEnvironment = { readonly python: string } | { readonly missing: string };

export interface PythonEnvironmentOptions {
  /** Where it lies: made where it is not there, and again where the requirements have changed. */
  readonly folder: string;
  /** A file of requirements for pip. */
  readonly requirements: string;
  /** One line for the person who waits, before anything is downloaded. */
  readonly onInstall?: () => void;
}

const oldestMinor = 11;
const packages = ['python3', 'python3-venv'];
const how = `Install Python 3.${oldestMinor} or newer with its venv module (Debian: apt-get install ${packages.join(' ')}), or name one in HOLDFAST_PYTHON.`;

function stampOf(folder: string): string {
  return path.join(folder, '.holdfast-installed');
}

function pythonOf(folder: string): string {
  return path.join(folder, ...(process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python']));
}

async function isNewEnough(python: string): Promise<boolean> {
  const { status } = await run(python, ['-c', `import sys; sys.exit(sys.version_info < (3, ${oldestMinor}))`]);
  return status === 0;
}

/** HOLDFAST_PYTHON, or the first Python on the PATH that is new enough. */
async function systemPython(): Promise<string | undefined> {
  const given = process.env['HOLDFAST_PYTHON'];
  const named = ['python3', 'python', 'python3.13', 'python3.12', 'python3.11', '/usr/bin/python3'];
  for (const candidate of given === undefined ? named : [given]) {
    if (await isNewEnough(candidate)) return candidate;
  }
  return undefined;
}

/** An empty environment in `folder`; what is missing on the machine is installed where that needs nobody's leave. Resolves to what is missing otherwise. */
async function makeEnvironment(folder: string): Promise<string | undefined> {
  const attempt = async (): Promise<string | undefined> => {
    const python = await systemPython();
    if (python === undefined) return how;
    rmSync(folder, { recursive: true, force: true });
    const made = await run(python, ['-m', 'venv', folder]);
    return made.status === 0 ? undefined : `${how} It said: ${made.output.trim()}`;
  };
  const missing = await attempt();
  if (missing === undefined || process.env['HOLDFAST_PYTHON'] !== undefined || !canInstallPackages()) return missing;
  const problem = await installPackages(packages);
  return problem === undefined ? await attempt() : `${how} It said: ${problem}`;
}

/** A virtual environment of Python with what `requirements` names. Two that make the same one at once both succeed. */
export async function preparePythonEnvironment(options: PythonEnvironmentOptions): Promise<PythonEnvironment> {
  const { folder, requirements } = options;
  const wanted = createHash('sha256').update(root).update('\0').update(readFileSync(requirements)).digest('hex');
  const isInstalled = async (): Promise<boolean> =>
    existsSync(stampOf(folder)) && readFileSync(stampOf(folder), 'utf8') === wanted && (await isNewEnough(pythonOf(folder)));
  if (await isInstalled()) return { python: pythonOf(folder) };
  options.onInstall?.();
  // An environment finds itself by its own place, so it can be moved; only its scripts' first lines cannot, which nothing here runs.
  const temporary = `${folder}.${process.pid}`;
  try {
    const missing = await makeEnvironment(temporary);
    if (missing !== undefined) return { missing };
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', '--requirement', requirements];
    const installed = await run(pythonOf(temporary), pip);
    if (installed.status !== 0) {
      const file = path.relative(root, requirements);
      return { missing: `Let pip install ${file}, which needs its packages from a registry. It said: ${installed.output.trim()}` };
    }
    writeFileSync(stampOf(temporary), wanted);
    // Another run may have been faster; what it made is as good.
    if (!(await isInstalled())) {
      rmSync(folder, { recursive: true, force: true });
      renameSync(temporary, folder);
    }
    return { python: pythonOf(folder) };
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
