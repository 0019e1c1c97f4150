import { HoldfastError } from '../../protocol/errors.ts';
import type { InstallationId } from '../../protocol/ids.ts';
import { decodeKeyring, type Keyring } from './keyring.ts';
import { claimedSequence, keyringName } from './keyringName.ts';

/** One version of one object of a location's keyring folder: hostile until proved. */
export interface KeyringCandidate {
  /** Below the location's prefix. */
  readonly key: string;
  /** As the store says; `null` where it does not. */
  readonly lastModified: Date | null;
  /** The stored bytes; more than 64 KiB need not be fetched to the end. */
  read(signal?: AbortSignal): Promise<Uint8Array>;
}

export interface KeyringFinding {
  readonly key: string;
  /**
   * `unreadable` the store does not give it · `damaged` no keyring, or not the one that its name says · `unsupported` of a newer program ·
   * `notAuthentic` its MAC does not hold under the master key that it names: an alert · `notRecovery` the recovery key that is held did not authenticate it, so
   * that nothing of it is tried · `notChecked` nothing held proves or disproves it ·
   * `fork` authentic, but not the only one of its sequence · `laterVersion` authentic, but another version of the same key came before.
   */
  readonly kind: 'unreadable' | 'damaged' | 'unsupported' | 'notAuthentic' | 'notRecovery' | 'notChecked' | 'fork' | 'laterVersion';
  /** A sentence. */
  readonly message: string;
}

/** A keyring whose form holds and agrees with its name; its MAC is not looked at. */
export interface ReadKeyring {
  readonly candidate: KeyringCandidate;
  readonly keyring: Keyring;
  /** As stored. */
  readonly bytes: Uint8Array;
}

/** Reads one candidate; what is wrong with it is a finding, never the end of the search. Throws only the signal's reason. */
export async function readCandidate(
  installationId: InstallationId,
  candidate: KeyringCandidate,
  signal?: AbortSignal,
): Promise<ReadKeyring | KeyringFinding> {
  const { key } = candidate;
  let bytes: Uint8Array;
  try {
    bytes = await candidate.read(signal);
  } catch (error) {
    signal?.throwIfAborted();
    const { message } = HoldfastError.is(error) ? error : HoldfastError.unforeseen(`read keyring ${key}`, error);
    return { key, kind: 'unreadable', message };
  }
  try {
    const keyring = decodeKeyring(bytes, installationId);
    if (keyringName(keyring) === key) return { candidate, keyring, bytes };
    return { key, kind: 'damaged', message: `Failed to read keyring ${key}: its header belongs to another name.` };
  } catch (error) {
    if (!HoldfastError.is(error)) throw error;
    return { key, kind: error.code === 'unsupportedFormat' ? 'unsupported' : 'damaged', message: error.message };
  }
}

export function isFinding(outcome: ReadKeyring | KeyringFinding): outcome is KeyringFinding {
  return 'kind' in outcome;
}

/**
 * The order of the search (docs/format.md, Finding the master key): those that an authentic object or the recovery sheet names come first, then by
 * descending sequence; versions of one key from the oldest on.
 */
export function inSearchOrder(
  installationId: InstallationId,
  candidates: readonly KeyringCandidate[],
  namedKeys: ReadonlySet<string> = new Set(),
): readonly KeyringCandidate[] {
  const ranked = candidates.flatMap((candidate) => {
    const sequence = claimedSequence(installationId, candidate.key);
    return sequence === undefined ? [] : [{ candidate, sequence, isNamed: namedKeys.has(candidate.key) }];
  });
  ranked.sort((a, b) => {
    if (a.isNamed !== b.isNamed) return a.isNamed ? -1 : 1;
    if (a.sequence !== b.sequence) return a.sequence > b.sequence ? -1 : 1;
    if (a.candidate.key !== b.candidate.key) return a.candidate.key < b.candidate.key ? -1 : 1;
    return (a.candidate.lastModified?.getTime() ?? 0) - (b.candidate.lastModified?.getTime() ?? 0);
  });
  return ranked.map(({ candidate }) => candidate);
}
