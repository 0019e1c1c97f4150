import { l10n } from 'vscode';
import { escaped } from '../../../client/shown/text.ts';
import type { Passkey } from '../../../protocol/methods/passkeys.ts';
import { dayOf, fullTime } from '../../ui/shownTime.ts';
import { Row, type RowIcon, rowColors } from '../row.ts';

export function passkeyRow(passkey: Passkey, now: Date): Row {
  const name = escaped(passkey.name);
  const description = [
    kindText(passkey.kind),
    ...(passkey.inUse ? [l10n.t('in use')] : []),
    ...(passkey.state === 'failing' ? [l10n.t('failing')] : []),
    passkey.verifiedAt === null ? l10n.t('not verified yet') : l10n.t('verified {0}', dayOf(passkey.verifiedAt)),
    ...(passkey.retirableFrom === null ? [] : [retirableText(passkey.retirableFrom, now)]),
    ...(passkey.warnings.length === 0 ? [] : [l10n.t('needs a look')]),
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
      ...(passkey.retirableFrom === null ? [] : [[l10n.t('Can be retired from'), fullTime(passkey.retirableFrom)] as const]),
      ...Object.entries(passkey.reference).map(([key, value]) => [escaped(key), escaped(String(value))] as const),
      ...passkey.warnings.map((warning) => [l10n.t('Warning'), escaped(warning)] as const),
    ],
    accessibleLabel: l10n.t('Passkey {0}, {1}', name, description),
    context: ['passkey', passkey.kind, passkey.inUse ? 'inUse' : 'spare', passkey.state],
    subject: { kind: 'passkey', id: passkey.slotId, name: passkey.name },
  });
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

function iconOf({ state, inUse, warnings }: Passkey): RowIcon {
  if (state === 'failing') return { name: 'error', color: rowColors.error };
  if (warnings.length > 0 || state === 'unverified') return { name: 'warning', color: rowColors.warning };
  return { name: inUse ? 'key' : 'circle-outline' };
}
