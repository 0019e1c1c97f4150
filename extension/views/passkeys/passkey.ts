import { l10n } from 'vscode';
import { escaped } from '../../../client/shown/text.ts';
import type { Passkey, PasskeyGate } from '../../../protocol/methods/passkeys.ts';
import { gateReasons, leakText } from '../../ui/gateText.ts';
import { dayOf, fullTime } from '../../ui/shownTime.ts';
import { Row, type RowFacts, type RowIcon, rowColors } from '../row.ts';

/** Characters of a warning that stands in the row itself; a longer one is in the tooltip alone. */
const longestInRow = 60;

/** `gate`: what still needs it, where that was asked. */
export function passkeyRow(passkey: Passkey, now: Date, gate?: PasskeyGate): Row {
  const name = escaped(passkey.name);
  const description = [
    kindText(passkey.kind),
    ...versionText(passkey.reference),
    ...(passkey.inUse ? [l10n.t('in use')] : []),
    ...(passkey.state === 'failing' ? [l10n.t('failing')] : []),
    passkey.verifiedAt === null ? l10n.t('not verified yet') : l10n.t('verified {0}', dayOf(passkey.verifiedAt)),
    ...(passkey.retirableFrom === null ? [] : [retirableText(passkey.retirableFrom, now)]),
    ...warningText(passkey.warnings),
  ].join(' · ');
  return new Row({
    id: passkey.slotId,
    label: name,
    description,
    icon: iconOf(passkey),
    tooltip: [
      [l10n.t('Passkey'), name],
      [l10n.t('Kind'), kindText(passkey.kind)],
      [l10n.t('Created'), fullTime(passkey.createdAt)],
      [l10n.t('Verified'), passkey.verifiedAt === null ? l10n.t('not yet') : fullTime(passkey.verifiedAt)],
      ...retirableFacts(passkey.retirableFrom, now),
      ...rotationFacts(passkey),
      ...referenceFacts(passkey),
      ...gateFacts(gate),
      ...passkey.warnings.map((warning) => [l10n.t('Warning'), escaped(warning)] as const),
    ],
    accessibleLabel: l10n.t('Passkey {0}, {1}', name, description),
    context: ['passkey', passkey.kind, passkey.inUse ? 'inUse' : 'spare', passkey.state],
    subject: { kind: 'passkey', id: passkey.slotId, name: passkey.name },
  });
}

/** Version of a Vault key: the one that the passkey is wrapped with. */
function versionText({ version }: Passkey['reference']): readonly string[] {
  return typeof version === 'number' ? [l10n.t('version {0}', version)] : [];
}

/** One that is short says what it is; several, or a long one, that there is something to read. */
function warningText(warnings: readonly string[]): readonly string[] {
  const [first, second] = warnings;
  if (first === undefined) return [];
  const clause = escaped(first.replace(/\.$/, ''));
  return [second === undefined && clause.length <= longestInRow ? clause : l10n.t('needs a look')];
}

/** What names the key outside. */
function referenceFacts({ reference }: Passkey): NonNullable<RowFacts['tooltip']> {
  const words: Readonly<Record<string, string>> = {
    keyArn: l10n.t('ARN'),
    region: l10n.t('Region'),
    alias: l10n.t('Alias'),
    address: l10n.t('Address'),
    namespace: l10n.t('Namespace'),
    mount: l10n.t('Mount'),
    key: l10n.t('Key'),
    version: l10n.t('Key version'),
  };
  return Object.entries(reference).flatMap(([name, value]) => {
    if (typeof value !== 'string' && typeof value !== 'number') return [];
    // Without a scheme, which the editor would make a link of.
    return [[words[name] ?? escaped(name), escaped(String(value).replace(/^https?:\/\//, ''))]];
  });
}

function gateFacts(gate: PasskeyGate | undefined): NonNullable<RowFacts['tooltip']> {
  if (gate === undefined) return [];
  const leak = leakText(gate);
  return [
    ...gateReasons(gate.reasons).map((reason) => [l10n.t('Still needed'), escaped(reason)] as const),
    ...(leak === undefined ? [] : [[l10n.t('Keyrings'), escaped(leak)] as const]),
  ];
}

function kindText(kind: Passkey['kind']): string {
  switch (kind) {
    case 'passphrase':
      return l10n.t('passphrase');
    case 'awsKms':
      return 'AWS KMS';
    case 'vaultTransit':
      return 'Vault Transit';
  }
}

function retirableText(from: string, now: Date): string {
  return new Date(from) <= now ? l10n.t('can be retired') : l10n.t('can be retired from {0}', dayOf(from));
}

function retirableFacts(from: string | null, now: Date): NonNullable<RowFacts['tooltip']> {
  if (from === null) return [];
  return new Date(from) <= now ? [[l10n.t('Can be retired'), l10n.t('now')]] : [[l10n.t('Can be retired from'), fullTime(from)]];
}

function rotationFacts({ rotates }: Passkey): NonNullable<RowFacts['tooltip']> {
  if (rotates === null) return [];
  const { everyDays, next } = rotates;
  const every = everyDays === 1 ? l10n.t('every day, next from {0} on', fullTime(next)) : undefined;
  return [[l10n.t('Rotates by itself'), every ?? l10n.t('every {0} days, next from {1} on', everyDays, fullTime(next))]];
}

function iconOf({ state, inUse, warnings }: Passkey): RowIcon {
  if (state === 'failing') return { name: 'error', color: rowColors.error };
  if (warnings.length > 0 || state === 'unverified') return { name: 'warning', color: rowColors.warning };
  return { name: inUse ? 'key' : 'circle-outline' };
}
