import { HoldfastError } from '../../protocol/errors.ts';
import type { PasskeyRecord } from '../catalog/passkeyStore.ts';

/** Refuses to make a slot the one in use that could not open the master key when it is needed. Throws `refusedByRule`. */
export function checkUse(passkey: PasskeyRecord): void {
  if (passkey.state === 'ready') return;
  const why = passkey.state === 'retired' ? 'it is retired' : 'it was not verified since its last failure';
  throw new HoldfastError('refusedByRule', `Failed to use passkey ${passkey.name}: ${why}.`, {
    fix: passkey.state === 'retired' ? 'Add a new passkey.' : `Run "holdfast passkey verify ${passkey.name}" first.`,
  });
}

/** The verified slots that would be left without this one. */
export function verifiedWithout(passkey: PasskeyRecord, all: readonly PasskeyRecord[]): readonly PasskeyRecord[] {
  return all.filter((other) => other.slotId !== passkey.slotId && other.state === 'ready' && other.verifiedAt !== null);
}

/**
 * Whether a slot may be retired. In this order: `refusedByRule` (retired already, in use, the last verified slot), `confirmationNeeded`.
 */
export function checkRetire(passkey: PasskeyRecord, all: readonly PasskeyRecord[], confirmed: boolean): void {
  const refuse = (why: string, fix: string): HoldfastError =>
    new HoldfastError('refusedByRule', `Failed to retire passkey ${passkey.name}: ${why}.`, { fix });
  if (passkey.state === 'retired') throw refuse('it is retired already', 'Nothing is left to do.');
  if (passkey.inUse) throw refuse('it is the one in use', 'Run "holdfast passkey use" with another one first.');
  const left = verifiedWithout(passkey, all);
  const [only, second] = left;
  if (only === undefined) throw refuse('no other verified passkey opens the master key', 'Add and verify another one first.');
  if (confirmed) return;
  const warning = second === undefined ? ` Only ${only.name} is left then: without it nobody opens the backups.` : '';
  throw new HoldfastError(
    'confirmationNeeded',
    `Retire passkey ${passkey.name}? It opens the master key here no more; whoever kept an old keyring and its secret still can.${warning}`,
    { fix: 'Say --yes.' },
  );
}

/** A name for the old slot of a rotation: `NAME@2026-01-02`, made unique. */
export function nameOfRotated(name: string, now: Date, taken: ReadonlySet<string>): string {
  const base = `${name}@${now.toISOString().slice(0, 10)}`;
  for (let number = 1; ; number += 1) {
    const candidate = number === 1 ? base : `${base}.${number}`;
    if (!taken.has(candidate)) return candidate;
  }
}
