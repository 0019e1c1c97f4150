// The Python environment of the second reader (test/reader): made once in .cache/, again where its requirements change.
import path from 'node:path';
import { preparePythonEnvironment, type PythonEnvironment } from './pythonEnvironment.ts';
import { root } from './run.ts';

/** Makes the environment where it is not there yet, and installs what the reader needs. */
export async function prepareReaderEnvironment(): Promise<PythonEnvironment> {
  return await preparePythonEnvironment({
    folder: path.join(root, '.cache', 'venv'),
    requirements: path.join(root, 'test', 'reader', 'requirements.txt'),
  });
}
