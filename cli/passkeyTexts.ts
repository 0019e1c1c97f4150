import type { Passkey, PasskeyGate, PasskeyKind } from '../protocol/methods/passkeys.ts';
import { minuteOf, shellWord } from '../protocol/wording.ts';
import { escaped } from '../client/shown/text.ts';
import { counted } from '../client/shown/units.ts';
import type { Style } from './output/style.ts';

/** The key outside: `alias/backup = arn:…`, `version 2 of transit/holdfast at https://…`; `-` for a passphrase. */
export function referenceText({ kind, reference }: Pick<Passkey, 'kind' | 'reference'>): string {
  const member = (name: string): string | undefined => {
    const value = reference[name];
    return typeof value === 'string' || typeof value === 'number' ? escaped(String(value)) : undefined;
  };
  switch (kind) {
    case 'passphrase':
      return '-';
    case 'awsKms': {
      const arn = member('keyArn') ?? '-';
      const alias = member('alias');
      return alias === undefined ? arn : `${alias} = ${arn}`;
    }
    case 'vaultTransit': {
      const namespace = member('namespace');
      const key = `${member('mount') ?? '?'}/${member('key') ?? '?'}`;
      return `version ${member('version') ?? '?'} of ${key} at ${member('address') ?? '?'}${namespace === undefined ? '' : `, namespace ${namespace}`}`;
    }
  }
}

/** As the command line names it: `passkey add aws-kms`. */
export function kindText(kind: PasskeyKind): string {
  switch (kind) {
    case 'passphrase':
      return kind;
    case 'awsKms':
      return 'aws-kms';
    case 'vaultTransit':
      return 'vault-transit';
  }
}

/** Which passkeys rotate by themselves. */
export function rotationLines(passkeys: readonly Passkey[]): readonly string[] {
  return passkeys.flatMap(({ name, rotates }) =>
    rotates === null
      ? []
      : [`${escaped(name)}: It rotates by itself every ${counted(rotates.everyDays, 'day')}, next from ${minuteOf(rotates.next)} on.`],
  );
}

/** From when it can go: `now`, a time, or `-` where waiting does not help. */
export function retirableText({ retirableFrom }: Pick<Passkey, 'retirableFrom'>, now: Date): string {
  if (retirableFrom === null) return '-';
  return new Date(retirableFrom) <= now ? 'now' : minuteOf(retirableFrom);
}

export function warningLines(passkeys: readonly Passkey[], style: Style): readonly string[] {
  return passkeys.flatMap(({ name, warnings }) => warnings.map((warning) => style.warning(`${escaped(name)}: ${escaped(warning)}`)));
}

/** What the gate says of a passkey, line by line. */
export function gateLines(name: string, gate: PasskeyGate, style: Style): readonly string[] {
  const shown = escaped(name);
  const reasons = gate.reasons.map(({ what, until }) => `  ${escaped(what)}${until === null ? '' : `, until ${minuteOf(until)}`}`);
  const opens =
    gate.opensKeyringsUntil === null
      ? []
      : [`Locked keyrings hold it until ${minuteOf(gate.opensKeyringsUntil)}: until then, who has its old secret or key can open them.`];
  const notes = gate.notes.map((note) => escaped(note));
  if (gate.allowed) return [style.good(`The passkey ${shown} may go.`), ...opens, ...notes, ...commandLines(gate.commands, 'then')];
  return [style.warning(`The passkey ${shown} is still needed:`), ...reasons, whenText(name, gate), ...opens, ...notes];
}

function whenText(name: string, { from, begins }: PasskeyGate): string {
  if (from !== null) return `It may go from ${minuteOf(from)} on.`;
  return begins
    ? `No date stands yet: "holdfast passkey retire ${shellWord(name)}" is refused too, and has new keyrings leave it out, so that one comes to stand.`
    : 'Waiting does not help: somebody has to act.';
}

/** Each on a line of its own, to be copied. `when`: once the passkey is retired, or as it is by now. */
export function commandLines(commands: readonly string[], when: 'then' | 'now'): readonly string[] {
  return commands.length === 0
    ? []
    : ['', `Its key outside can end ${when}, which whoever may does with:`, ...commands.map((command) => `  ${escaped(command)}`)];
}
