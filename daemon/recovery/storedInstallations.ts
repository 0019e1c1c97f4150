import { HoldfastError } from '../../protocol/errors.ts';
import { idOf, type InstallationId, isUuid } from '../../protocol/ids.ts';
import type { ObjectStore } from '../locations/objectStore.ts';

/** The installations that keep something in a store, in order. */
export async function storedInstallations(store: ObjectStore, signal: AbortSignal): Promise<readonly InstallationId[]> {
  const found = new Set<InstallationId>();
  for await (const page of store.list('', { signal })) {
    for (const { key } of page) {
      const [first = ''] = key.split('/');
      if (isUuid(first)) found.add(idOf<InstallationId>(first));
    }
  }
  return [...found];
}

/** The one that is meant: the only one there is, or the one that the reference is or begins. Throws `unknownName`, `ambiguousName`. */
export function chooseInstallation(found: readonly InstallationId[], reference: string | undefined): InstallationId {
  const matching = reference === undefined ? found : found.filter((id) => id.startsWith(reference));
  const [only, second] = matching;
  if (only !== undefined && second === undefined) return only;
  if (second !== undefined) {
    throw new HoldfastError('ambiguousName', `Failed to import: the location holds ${matching.length} installations.`, {
      fix: 'Name one with --installation.',
      details: { installations: matching.slice(0, 20) },
    });
  }
  throw new HoldfastError(
    'unknownName',
    `Failed to import: the location holds ${found.length === 0 ? 'no installation' : 'no such installation'}.`,
    {
      fix: 'Check the path of the location.',
      details: { installations: found.slice(0, 20) },
    },
  );
}
