import { l10n } from 'vscode';
import { placeOf } from '../../../protocol/locationSpec.ts';
import { daysText } from '../../ui/daysText.ts';
import { askPick, type Choice } from '../quickInputs.ts';
import { twoLines } from '../sentences.ts';
import type { StepOutcome, StepPlace } from '../steps.ts';
import type { BucketDraft } from './bucketDraft.ts';
import { additionOf, canBeImmutable, type LocationDraft } from './locationDraft.ts';
import { modeText, periodCost, periodHold, periodMeaning } from './protection.ts';

/** All that was answered, before a bucket is made a location. */
export async function askToAdd(draft: LocationDraft, place: StepPlace, longestAbsenceDays: number): Promise<StepOutcome<LocationDraft>> {
  for (;;) {
    const outcome = await askPick<boolean, boolean>(place, {
      placeholder: l10n.t('Is this right? Go back to change it.'),
      choices: [
        { label: l10n.t('Add the Location'), description: draft.name, icon: 'check', value: true },
        ...summaryLines(draft, longestAbsenceDays),
      ],
      next: (isAct) => isAct,
    });
    if (outcome.kind !== 'next') return { kind: outcome.kind };
    if (outcome.values) return { kind: 'next', values: draft };
  }
}

export function summaryLines(draft: LocationDraft, longestAbsenceDays: number): readonly Choice<boolean>[] {
  const { name, bucket, protection } = draft;
  const { days, mode } = protection;
  return [
    line(l10n.t('Name'), name),
    line(l10n.t('Bucket'), placeOf(additionOf(draft).spec)),
    line(l10n.t('Store'), bucket.isAws ? `AWS, ${bucket.region}` : bucket.endpoint),
    line(l10n.t('Credentials'), credentialsText(bucket)),
    ...(days === null || !canBeImmutable(draft)
      ? [line(l10n.t('Immutability'), l10n.t('off: who has the credentials can delete restore points'))]
      : [
          line(l10n.t('Immutability'), l10n.t('{0}, mode {1}', daysText(days), modeText(mode))),
          { ...twoLines(periodMeaning(days)), icon: 'info', value: false },
          { ...twoLines(periodHold(days, longestAbsenceDays)), icon: 'info', value: false },
          line(l10n.t('Cost'), periodCost(days, longestAbsenceDays)),
          {
            ...twoLines(l10n.t('Whether the store keeps to its locks is tried as soon as it is added.')),
            icon: 'info',
            value: false,
          },
        ]),
  ];
}

function line(label: string, description: string): Choice<boolean> {
  return { label, description, value: false };
}

function credentialsText({ source, accessKeyId, profile, roleArn }: BucketDraft): string {
  switch (source) {
    case 'sealed':
      return l10n.t('key {0}, sealed in the catalog', accessKeyId);
    case 'chain':
      return l10n.t('what AWS tools use in the daemon');
    case 'profile':
      return l10n.t('profile {0}', profile);
    case 'role':
      return roleArn;
  }
}
