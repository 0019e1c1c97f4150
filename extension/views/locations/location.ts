import { l10n } from 'vscode';
import { escaped } from '../../../client/shown/text.ts';
import { size } from '../../../client/shown/units.ts';
import type { Location } from '../../../protocol/methods/locations.ts';
import { dayOf, fullTime } from '../../ui/shownTime.ts';
import { Row, type RowIcon, rowColors } from '../row.ts';

export function locationRow(location: Location): Row {
  const name = escaped(location.name);
  const description = [
    kindText(location.kind),
    immutabilityText(location),
    ...(location.heldBytes === null ? [] : [l10n.t('{0} held', size(location.heldBytes))]),
    ...(location.lockProof === null ? [] : [l10n.t('lock {0}', escaped(location.lockProof.verdict))]),
  ].join(' · ');
  return new Row({
    id: location.locationId,
    label: name,
    description,
    icon: iconOf(location),
    tooltip: [
      [l10n.t('Location'), name],
      [l10n.t('Kind'), kindText(location.kind)],
      ...(location.path === null ? [] : [[l10n.t('Folder'), escaped(location.path)] as const]),
      [l10n.t('Immutability'), immutabilityText(location)],
      [l10n.t('Validated'), location.lastValidatedAt === null ? l10n.t('not yet') : fullTime(location.lastValidatedAt)],
      ...(location.lockProof === null
        ? []
        : [[l10n.t('Lock proof'), `${escaped(location.lockProof.verdict)}, ${dayOf(location.lockProof.at)}`] as const]),
      ...(location.heldBytes === null ? [] : [[l10n.t('Space held'), size(location.heldBytes)] as const]),
    ],
    accessibleLabel: l10n.t('Location {0}, {1}', name, description),
    context: ['location', location.kind, location.immutable ? 'immutable' : 'plain'],
    subject: { kind: 'location', id: location.locationId, name: location.name },
  });
}

function kindText(kind: Location['kind']): string {
  switch (kind) {
    case 'filesystem':
      return l10n.t('folder');
    case 's3':
      return 'S3';
    case 'azureBlob':
      return 'Azure Blob';
  }
}

function immutabilityText({ immutable, protectionPeriodDays }: Location): string {
  if (!immutable) return l10n.t('not immutable');
  return protectionPeriodDays === null ? l10n.t('immutable') : l10n.t('immutable for {0} days', protectionPeriodDays);
}

function iconOf({ kind, immutable, lockProof }: Location): RowIcon {
  if (lockProof !== null && lockProof.verdict !== 'enforced') return { name: 'warning', color: rowColors.warning };
  if (immutable) return { name: 'lock' };
  return { name: kind === 'filesystem' ? 'folder-library' : 'cloud' };
}
