import { HoldfastError } from '../../protocol/errors.ts';
import type { InstallationId } from '../../protocol/ids.ts';
import type { DrKey } from './dr/drKey.ts';
import { hasRecoveryMac, isAuthenticKeyring, isRecoveryKeyring, type Keyring } from './keyring.ts';
import {
  inSearchOrder,
  isFinding,
  type KeyringCandidate,
  type KeyringFinding,
  readCandidate,
  type ReadKeyring,
} from './keyringCandidates.ts';
import { claimedSequence } from './keyringName.ts';
import type { MasterKey } from './masterKey.ts';
import { ScryptTrials, type ScryptTrialsOptions } from './scryptTrials.ts';
import { type ConfirmedKey, ServiceTrials } from './serviceTrials.ts';
import type { Slot } from './slot.ts';
import type { AskToGoOn, SlotTrials } from './slotTrials.ts';

export interface KeyringsToSearch {
  readonly installationId: InstallationId;
  /** All versions of all objects in the keyring folder, in any order; read one at a time, and again when they are authenticated. */
  readonly candidates: readonly KeyringCandidate[];
  /** Keys that an authentic object or the recovery sheet names: tried first. */
  readonly namedKeys?: ReadonlySet<string>;
  /** Where it is held, only keyrings that it authenticated count; of others no slot is tried. */
  readonly drKey?: DrKey | undefined;
  /** A slot's id or a prefix of one: until one has opened, no other slot is tried. */
  readonly passkey?: string;
  readonly askToGoOn: AskToGoOn;
  readonly signal?: AbortSignal;
}

/** With a passphrase, or with the key outside that the user has named. */
export type KeyringSearchRequest = KeyringsToSearch &
  (Pick<ScryptTrialsOptions, 'passphrase' | 'scrypt'> | { readonly confirmed: ConfirmedKey });

export interface KeyringSearchResult {
  /** By masterKeyId in hex; the caller owns and disposes of them. */
  readonly masterKeys: ReadonlyMap<string, MasterKey>;
  /** The slots that opened, in that order. */
  readonly opened: readonly Slot[];
  /** The authentic keyring of the highest sequence; `undefined` where none could be authenticated. */
  readonly newest: ReadKeyring | undefined;
  /** What the user must hear of. */
  readonly findings: readonly KeyringFinding[];
  /** Sentences; no faults. */
  readonly notes: readonly string[];
}

/**
 * Recovers the master key from a store that anybody may have written to (docs/format.md, Finding the master key). One untried scrypt set of each keyring
 * in turn, or one slot of exactly the key outside that the user named; junk never ends the search, and nothing is sent to what only a keyring names. Once a
 * slot opens, keyrings are authenticated from the highest sequence down. Throws `HoldfastError`: `objectMissing` without any keyring to try, `damaged` where
 * none can be read, `unknownName` where none holds the passkey, `wrongSecret` (of a key outside, why it did not open them) when all slots have been tried, `cancelled` when the user does not go on; the signal's reason.
 */
export async function searchKeyrings(request: KeyringSearchRequest): Promise<KeyringSearchResult> {
  using search = new KeyringSearch(request);
  return search.run();
}

interface PendingKeyring {
  readonly candidate: KeyringCandidate;
  /** Not tried yet, in the keyring's order. */
  readonly slots: readonly Slot[];
}

class KeyringSearch implements Disposable {
  readonly #request: KeyringSearchRequest;
  readonly #trials: SlotTrials;
  readonly #opened: Slot[] = [];
  readonly #masterKeys = new Map<string, MasterKey>();
  readonly #findings = new Map<string, KeyringFinding>();
  #isHandedOver = false;

  constructor(request: KeyringSearchRequest) {
    this.#request = request;
    this.#trials = 'confirmed' in request ? new ServiceTrials(request) : new ScryptTrials(request);
  }

  async run(): Promise<KeyringSearchResult> {
    this.#noteStrangers();
    await this.#openOne();
    let newest: ReadKeyring | undefined;
    let held: number;
    do {
      held = this.#masterKeys.size;
      newest = await this.#authenticate();
      // A keyring keeps slots for every epoch that live data needs. What they open may prove keyrings that could not be checked before.
      if (newest !== undefined) for (const slot of this.#unopenedSlots(newest.keyring)) await this.#tryToOpen(slot);
    } while (this.#masterKeys.size > held);
    this.#isHandedOver = true;
    const notes =
      newest !== undefined && this.#request.drKey === undefined && hasRecoveryMac(newest.keyring) ? [recoveryMacNotChecked] : [];
    return { masterKeys: this.#masterKeys, opened: this.#opened, newest, findings: [...this.#findings.values()], notes };
  }

  [Symbol.dispose](): void {
    this.#trials[Symbol.dispose]();
    if (!this.#isHandedOver) for (const masterKey of this.#masterKeys.values()) masterKey[Symbol.dispose]();
  }

  async #openOne(): Promise<void> {
    const { installationId, candidates, namedKeys } = this.#request;
    const ordered = inSearchOrder(installationId, candidates, namedKeys);
    if (ordered.length === 0) throw new HoldfastError('objectMissing', 'Failed to find the keyring: the location holds none.');
    const pending: PendingKeyring[] = [];
    let isAnyUsable = false;
    let isAnySlotTried = false;
    for (const candidate of ordered) {
      const read = await this.#read(candidate);
      isAnyUsable ||= read !== undefined;
      const slots = read === undefined ? [] : this.#chosenSlots(read.keyring);
      isAnySlotTried ||= slots.length > 0;
      const left = await this.#tryUntilDerived({ candidate, slots });
      if (left === 'opened') return this.#checkOpened(candidate);
      if (left.slots.length > 0) pending.push(left);
    }
    for (let round = pending; round.length > 0; ) {
      const next: PendingKeyring[] = [];
      for (const keyring of round) {
        const left = await this.#tryUntilDerived(keyring);
        if (left === 'opened') return this.#checkOpened(keyring.candidate);
        if (left.slots.length > 0) next.push(left);
      }
      round = next;
    }
    if (!isAnyUsable) throw this.#noneUsable(ordered.length);
    if (this.#request.passkey !== undefined && !isAnySlotTried) throw noSuchPasskey(this.#request.passkey);
    const error = this.#trials.failure();
    throw new HoldfastError(error.code, error.message, {
      ...(error.fix === undefined ? {} : { fix: error.fix }),
      details: { ...error.details, attempts: this.#trials.count, findings: [...this.#findings.values()] },
    });
  }

  /** Nothing was tried, so nothing was wrong. */
  #noneUsable(count: number): HoldfastError {
    return new HoldfastError('damaged', `Failed to open the keyring: none of the ${count} that the location holds can be used.`, {
      fix: 'Use a copy of the location, or another location of the same installation.',
      details: { findings: [...this.#findings.values()] },
    });
  }

  /** Names in the folder that are no keyring's; those that begin with a dot are somebody's work in progress. */
  #noteStrangers(): void {
    for (const { key } of this.#request.candidates) {
      const isHidden = key.slice(key.lastIndexOf('/') + 1).startsWith('.');
      if (isHidden || claimedSequence(this.#request.installationId, key) !== undefined) continue;
      this.#note({ key, kind: 'damaged', message: `Failed to read ${key}: its name is none of a keyring.` });
    }
  }

  /** The master key is used even where the keyring around its slot was tampered with; the finding says so. Its other slots may open too. */
  async #checkOpened(candidate: KeyringCandidate): Promise<void> {
    const read = await this.#read(candidate);
    if (read === undefined) return;
    for (const slot of this.#unopenedSlots(read.keyring)) await this.#tryToOpen(slot);
    this.#holds(read);
  }

  /** Tries slots whose key is known already, and at most one that costs a derivation. */
  async #tryUntilDerived({ candidate, slots }: PendingKeyring): Promise<PendingKeyring | 'opened'> {
    for (const [index, slot] of slots.entries()) {
      const isCostly = !this.#trials.hasTried(slot);
      if (await this.#tryToOpen(slot)) return 'opened';
      if (isCostly) return { candidate, slots: slots.slice(index + 1) };
    }
    return { candidate, slots: [] };
  }

  async #tryToOpen(slot: Slot): Promise<boolean> {
    const masterKey = await this.#trials.open(slot);
    if (masterKey === undefined) return false;
    this.#opened.push(slot);
    const id = hexOf(masterKey.masterKeyId);
    if (this.#masterKeys.has(id)) masterKey[Symbol.dispose]();
    else this.#masterKeys.set(id, masterKey);
    return true;
  }

  #chosenSlots(keyring: Keyring): readonly Slot[] {
    const { passkey = '' } = this.#request;
    return this.#trials.slotsOf(keyring).filter(({ slotId }) => slotId.startsWith(passkey));
  }

  #unopenedSlots(keyring: Keyring): readonly Slot[] {
    return this.#trials.slotsOf(keyring).filter((slot) => !this.#masterKeys.has(Buffer.from(slot.masterKeyId, 'base64').toString('hex')));
  }

  /** From the highest sequence down to the first that holds, and all others of that sequence. */
  async #authenticate(): Promise<ReadKeyring | undefined> {
    const { installationId, candidates } = this.#request;
    let newest: ReadKeyring | undefined;
    for (const [name, { kind }] of this.#findings) if (kind === 'notChecked') this.#findings.delete(name);
    for (const candidate of inSearchOrder(installationId, candidates)) {
      const read = await this.#read(candidate);
      if (read === undefined) continue;
      if (newest !== undefined && read.keyring.sequence < newest.keyring.sequence) break;
      if (!this.#holds(read)) continue;
      if (newest === undefined) newest = read;
      else this.#noteDouble(newest, read);
    }
    return newest;
  }

  /** Forged or damaged is what does not hold under a key of its epoch that is held; without one, nothing is proved either way. */
  #holds({ candidate: { key }, keyring }: ReadKeyring): boolean {
    const masterKey = this.#masterKeys.get(hexOf(keyring.masterKeyId));
    if (!this.#masterKeys.values().some(({ keyEpoch }) => keyEpoch === keyring.body.keyEpoch)) {
      this.#note({
        key,
        kind: 'notChecked',
        message: `Keyring ${key} names a master key that was not opened: it was not checked.`,
      });
      return false;
    }
    if (masterKey !== undefined && isAuthenticKeyring(keyring, masterKey)) return true;
    this.#note({
      key,
      kind: 'notAuthentic',
      message: `Keyring ${key} was not written by this installation: somebody changed or forged it.`,
    });
    return false;
  }

  #noteDouble(newest: ReadKeyring, other: ReadKeyring): void {
    const { key } = other.candidate;
    if (key !== newest.candidate.key) {
      this.#note({
        key,
        kind: 'fork',
        message: `Keyring ${key} has the same sequence as ${newest.candidate.key}: two machines wrote them.`,
      });
    } else if (!Buffer.from(other.bytes).equals(newest.bytes)) {
      this.#note({ key, kind: 'laterVersion', message: `Keyring ${key} was put again with other bytes: the older version counts.` });
    }
  }

  async #read(candidate: KeyringCandidate): Promise<ReadKeyring | undefined> {
    const read = await readCandidate(this.#request.installationId, candidate, this.#request.signal);
    const { drKey, signal } = this.#request;
    signal?.throwIfAborted();
    if (isFinding(read)) {
      this.#note(read);
      return undefined;
    }
    if (drKey === undefined || isRecoveryKeyring(read.keyring, drKey)) return read;
    const { key } = candidate;
    this.#note({ key, kind: 'notRecovery', message: `Keyring ${key} was not written under this disaster recovery key: it was not tried.` });
    return undefined;
  }

  #note(finding: KeyringFinding): void {
    this.#findings.set(`${finding.kind} ${finding.key}`, finding);
  }
}

const recoveryMacNotChecked = 'The recovery MAC of the keyring was not checked: the disaster recovery key is not held.';

function noSuchPasskey(passkey: string): HoldfastError {
  return new HoldfastError(
    'unknownName',
    `Failed to find passkey "${passkey}": no keyring of the location holds one of that id that could be tried.`,
    {
      fix: 'Type an id, not a name: names are not stored. Or leave the passkey out, so that all are tried.',
    },
  );
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
