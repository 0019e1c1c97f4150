import * as vscode from 'vscode';
import { HoldfastError } from '../../../protocol/errors.ts';
import { placeOf } from '../../../protocol/locationSpec.ts';
import { type Location, type LocationCheck, locationAdd, locationList, type LocationSaved } from '../../../protocol/methods/locations.ts';
import { asHoldfastError } from '../../connection/asHoldfastError.ts';
import { listAll } from '../../connection/listAll.ts';
import type { Services } from '../../services.ts';
import { plainText } from '../../ui/plainText.ts';
import { askPick, type Choice } from '../quickInputs.ts';
import { problemChoices } from '../sentences.ts';
import type { StepOutcome, StepPlace } from '../steps.ts';
import { whileUnlocked } from '../unlocked.ts';
import { additionOf, type LocationDraft } from './locationDraft.ts';
import { secretOfKeys } from './secretOfKeys.ts';

/** Where a check fails nothing is saved; the checks stand there with their ways out, to go back or to try again. */
export async function saveLocation(services: Services, draft: LocationDraft, place: StepPlace): Promise<StepOutcome<LocationDraft>> {
  for (;;) {
    const saved = await tryToSave(services, draft);
    if (saved instanceof HoldfastError && saved.code === 'cancelled') return { kind: 'back' };
    const findings = saved instanceof HoldfastError ? problemChoices(saved, 'error', false) : choicesOfChecks(saved.checks);
    const location = saved instanceof HoldfastError ? null : saved.location;
    if (location !== null && findings.length === 0) return { kind: 'next', values: { ...draft, location } };
    const outcome = await askPick<boolean, boolean>(location === null ? place : { ...place, canGoBack: false }, {
      placeholder:
        location === null
          ? vscode.l10n.t('The location was not added. Go back to change it.')
          : vscode.l10n.t('The location {0} was added. What should be known of it:', location.name),
      choices: [
        location === null
          ? { label: vscode.l10n.t('Try Again'), description: placeOf(additionOf(draft).spec), icon: 'refresh', value: true }
          : { label: vscode.l10n.t('Go On'), icon: 'check', value: true },
        ...findings,
      ],
      next: (isFirst) => isFirst,
    });
    if (location !== null) return { kind: 'next', values: { ...draft, location } };
    if (outcome.kind !== 'next') return outcome.kind === 'back' ? { kind: 'back', values: draft } : outcome;
  }
}

async function tryToSave(services: Services, draft: LocationDraft): Promise<LocationSaved | HoldfastError> {
  const { daemon } = services;
  const params = additionOf(draft);
  const title = vscode.l10n.t('Checking {0}', plainText(placeOf(params.spec)));
  const attempt = async (): Promise<LocationSaved> =>
    await daemon.call(locationAdd, { ...params, ...(draft.kind === 's3' ? await secretOfKeys(daemon, draft.bucket) : {}) });
  try {
    return await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title }, () => whileUnlocked(services, attempt));
  } catch (thrown) {
    const error = asHoldfastError(thrown);
    // A daemon that ended after it had saved: its second answer is that the name is taken, by this very location.
    const location = HoldfastError.is(error, 'nameTaken', 'refusedByRule') ? await savedBefore(services, draft) : undefined;
    return location === undefined ? error : { location, checks: [] };
  }
}

async function savedBefore({ daemon }: Services, draft: LocationDraft): Promise<Location | undefined> {
  const { name, spec } = additionOf(draft);
  const place = placeOf(spec);
  return (await listAll(daemon, locationList, {})).find(
    (location) => location.name === name && (location.s3 === null ? location.path : placeOf({ kind: 's3', ...location.s3 })) === place,
  );
}

export function choicesOfChecks(checks: readonly LocationCheck[]): readonly Choice<boolean>[] {
  return checks
    .filter(({ result }) => result !== 'pass')
    .flatMap(({ result, detail, fix }) => problemChoices({ message: detail, fix }, result === 'fail' ? 'error' : 'warning', false));
}
