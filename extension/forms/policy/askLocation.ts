import * as vscode from 'vscode';
import { size } from '../../../client/shown/units.ts';
import { placeOf } from '../../../protocol/locationSpec.ts';
import { type Location, locationList } from '../../../protocol/methods/locations.ts';
import { listAll } from '../../connection/listAll.ts';
import { askNewLocation } from '../location/newLocation.ts';
import type { PolicyDraft } from '../policyDraft.ts';
import { askPick } from '../quickInputs.ts';
import type { StepOutcome, StepPlace } from '../steps.ts';
import { whileUnlocked } from '../unlocked.ts';
import type { PolicyTools } from './field.ts';

/** One of the locations there are, or a new one; where there is none that is asked at once. */
export async function askLocation(draft: PolicyDraft, place: StepPlace, { services }: PolicyTools): Promise<StepOutcome<PolicyDraft>> {
  for (;;) {
    const known = await whileUnlocked(services, () => listAll(services.daemon, locationList, {}));
    const chosen = known.length === 0 ? undefined : await pickLocation(draft, place, known);
    if (chosen !== undefined && chosen.kind !== 'next') return { kind: chosen.kind };
    if (chosen?.values !== undefined) return { kind: 'next', values: withLocation(draft, chosen.values) };
    const made = await askNewLocation(services, known.length === 0 ? place : { ...place, canGoBack: true });
    if (made.kind === 'next') return { kind: 'next', values: withLocation(draft, made.values) };
    if (made.kind === 'cancelled' || known.length === 0) return { kind: made.kind };
  }
}

function withLocation(draft: PolicyDraft, { locationId, name }: Location): PolicyDraft {
  return { ...draft, location: { id: locationId, name } };
}

/** `undefined` among the values: a new one. */
async function pickLocation(draft: PolicyDraft, place: StepPlace, known: readonly Location[]): Promise<StepOutcome<Location | undefined>> {
  return await askPick<Location | undefined, Location | undefined>(place, {
    placeholder: vscode.l10n.t('Where do the restore points go?'),
    choices: [
      ...known.map((location) => ({
        label: location.name,
        description: location.s3 === null ? (location.path ?? location.kind) : placeOf({ kind: 's3', ...location.s3 }),
        detail: [
          location.immutable
            ? vscode.l10n.t('immutable for {0} days', location.protectionPeriodDays ?? 0)
            : vscode.l10n.t('not immutable: who can write there can delete restore points'),
          ...(location.heldBytes === null ? [] : [vscode.l10n.t('{0} held', size(location.heldBytes))]),
        ].join(' · '),
        icon: location.immutable ? 'lock' : 'archive',
        value: location,
      })),
      { label: vscode.l10n.t('New Location…'), icon: 'add', value: undefined },
    ],
    ...(draft.location === undefined ? {} : { current: known.find(({ locationId }) => locationId === draft.location?.id) }),
    next: (location) => location,
  });
}
