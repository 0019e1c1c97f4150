import path from 'node:path';
import { HoldfastError } from '../protocol/errors.ts';

export interface StateDirectoryInputs {
  /** `--state`. */
  readonly flag: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly currentDirectory: string;
  readonly exists: (path: string) => boolean;
  /** The state directory of this user on this system. */
  readonly defaultDirectory: () => string;
}

/**
 * The folder that relative paths are taken from. In a checkout npm changes into the checkout and says in `INIT_CWD` where the user typed;
 * elsewhere that variable may be a leftover of some other npm run further up and is passed over.
 */
export function baseDirectory(environment: Readonly<Record<string, string | undefined>>, currentDirectory: string): string {
  const typedIn = environment['INIT_CWD'];
  const isInCheckout = (environment['HOLDFAST_CHECKOUT'] ?? '') !== '';
  return isInCheckout && typedIn !== undefined && path.isAbsolute(typedIn) ? typedIn : currentDirectory;
}

/** `--state`, else `HOLDFAST_STATE`, else the checkout's `.holdfast` where that exists and `npm run holdfast` was typed, else the user's own. Absolute. */
export function stateDirectory(inputs: StateDirectoryInputs): string {
  const base = baseDirectory(inputs.environment, inputs.currentDirectory);
  if (inputs.flag === '')
    throw new HoldfastError('badValue', 'Failed to find the state directory: --state is empty.', { fix: 'Name a folder.' });
  if (inputs.flag !== undefined) return path.resolve(base, inputs.flag);
  const fromEnvironment = inputs.environment['HOLDFAST_STATE'] ?? '';
  if (fromEnvironment !== '') return path.resolve(base, fromEnvironment);
  const checkout = inputs.environment['HOLDFAST_CHECKOUT'] ?? '';
  if (checkout !== '') {
    const own = path.join(checkout, '.holdfast');
    if (inputs.exists(own)) return own;
  }
  return inputs.defaultDirectory();
}
