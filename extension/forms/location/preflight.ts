import * as vscode from 'vscode';
import { HoldfastError } from '../../../protocol/errors.ts';
import { placeOf } from '../../../protocol/locationSpec.ts';
import { type LocationCheckResult, locationCheckPlace } from '../../../protocol/methods/locations.ts';
import { asHoldfastError } from '../../connection/asHoldfastError.ts';
import type { Services } from '../../services.ts';
import { plainText } from '../../ui/plainText.ts';
import { askPick, type Choice } from '../quickInputs.ts';
import { problemChoices } from '../sentences.ts';
import type { StepOutcome, StepPlace } from '../steps.ts';
import { whileUnlocked } from '../unlocked.ts';
import { type BucketDraft, specOf } from './bucketDraft.ts';
import { checkChoices, verdictOf } from './checkChoices.ts';
import { secretOfKeys } from './secretOfKeys.ts';

/** What was seen of a bucket, and of which one. */
export interface Preflight {
  readonly of: BucketDraft;
  readonly result: LocationCheckResult;
}

type Act = 'goOn' | 'again' | 'look';

/** Looks at the bucket, and shows every check with its way out. Where one fails the form goes no further, and Back keeps what was typed. */
export async function askPreflight(
  services: Services,
  bucket: BucketDraft,
  known: Preflight | undefined,
  place: StepPlace,
): Promise<StepOutcome<Preflight>> {
  let seen = known?.of === bucket ? known.result : undefined;
  for (;;) {
    const found = seen ?? (await look(services, bucket));
    seen = undefined;
    if (found instanceof HoldfastError && found.code === 'cancelled') return { kind: 'back' };
    const isGood = !(found instanceof HoldfastError) && found.checks.every(({ result }) => result !== 'fail');
    const outcome = await askPick<Act, Act>(place, {
      placeholder: found instanceof HoldfastError ? vscode.l10n.t('It could not be looked at.') : placeholderOf(found),
      choices: [actChoice(found), ...linesOf(found)],
      next: (act) => act,
    });
    if (outcome.kind !== 'next') return { kind: outcome.kind };
    if (found instanceof HoldfastError) continue;
    if (outcome.values === 'goOn' && isGood) return { kind: 'next', values: { of: bucket, result: found } };
    // A line to read was chosen: it is all shown again, and only "Check Again" looks anew.
    if (outcome.values === 'look') seen = found;
  }
}

function placeholderOf({ checks, canBeImmutable }: LocationCheckResult): string {
  if (checks.some(({ result }) => result === 'fail')) return vscode.l10n.t('Go back to change what you typed: {0}.', verdictOf(checks));
  return canBeImmutable
    ? vscode.l10n.t('Backups can be made immutable here: {0}.', verdictOf(checks))
    : vscode.l10n.t('Backups can not be made immutable here: {0}.', verdictOf(checks));
}

function actChoice(found: LocationCheckResult | HoldfastError): Choice<Act> {
  if (found instanceof HoldfastError || found.checks.some(({ result }) => result === 'fail')) {
    return { label: vscode.l10n.t('Check Again'), icon: 'refresh', value: 'again' };
  }
  return { label: vscode.l10n.t('Go On'), icon: 'arrow-right', value: 'goOn' };
}

function linesOf(found: LocationCheckResult | HoldfastError): readonly Choice<Act>[] {
  return found instanceof HoldfastError ? problemChoices<Act>(found, 'error', 'look') : checkChoices<Act>(found.checks, 'look');
}

async function look(services: Services, bucket: BucketDraft): Promise<LocationCheckResult | HoldfastError> {
  const spec = specOf(bucket);
  const title = vscode.l10n.t('Checking {0}', plainText(placeOf(spec)));
  try {
    return await vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title }, () =>
      whileUnlocked(services, async () =>
        services.daemon.call(locationCheckPlace, { spec, ...(await secretOfKeys(services.daemon, bucket)) }),
      ),
    );
  } catch (error) {
    return asHoldfastError(error);
  }
}
