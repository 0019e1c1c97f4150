import * as vscode from 'vscode';
import { HoldfastError } from '../../../protocol/errors.ts';
import { placeOf } from '../../../protocol/locationSpec.ts';
import { type Location, locationEdit, type LocationSaved } from '../../../protocol/methods/locations.ts';
import { asHoldfastError } from '../../connection/asHoldfastError.ts';
import { ask } from '../../connection/asking.ts';
import type { Services } from '../../services.ts';
import { plainText } from '../../ui/plainText.ts';
import { tellQuietly } from '../../ui/tellQuietly.ts';
import { askPick } from '../quickInputs.ts';
import { problemChoices } from '../sentences.ts';
import { runSteps, type Step, type StepOutcome, type StepPlace } from '../steps.ts';
import { whileUnlocked } from '../unlocked.ts';
import { type BucketDraft, draftOf, specOf } from './bucketDraft.ts';
import { credentialSteps, placeSteps } from './bucketSteps.ts';
import { askNewProtection } from './changeProtection.ts';
import { checkChoices, verdictOf } from './checkChoices.ts';
import { secretOfKeys } from './secretOfKeys.ts';

type Change = 'place' | 'credentials' | 'protection';

/** What is to change of a bucket, and all that was typed for it. */
interface Editing {
  readonly change: Change;
  readonly bucket: BucketDraft;
}

/** Asks what is to change of a bucket, and changes it: its address, who may write there, or how long it is protected. It stays the same store. */
export async function askLocationChange(services: Services, location: Location): Promise<void> {
  const { s3 } = location;
  if (s3 === null) return;
  const title = vscode.l10n.t('Edit Location {0}', plainText(location.name));
  const edited = await runSteps<Editing>(title, stepsOf(services, location), { change: 'place', bucket: draftOf(s3) });
  if (edited === undefined) return;
  if (edited.change === 'protection') await askNewProtection(services, location);
  else tellQuietly(vscode.l10n.t('Changed the location {0}', plainText(location.name)));
}

function stepsOf(services: Services, location: Location): readonly Step<Editing>[] {
  return [
    { ask: (editing, place) => askChange(editing, place, location) },
    ...placeSteps().map((step) => stepOf(step, 'place')),
    ...credentialSteps().map((step) => stepOf(step, 'credentials')),
    { isNeeded: ({ change }) => change !== 'protection', ask: (editing, place) => save(services, location, editing, place) },
  ];
}

/** A question about the bucket, asked where that is to change. */
function stepOf(step: Step<BucketDraft>, wanted: Change): Step<Editing> {
  return {
    isNeeded: ({ change, bucket }) => change === wanted && (step.isNeeded?.(bucket) ?? true),
    ask: async (editing, place) => {
      const outcome = await step.ask(editing.bucket, place);
      if (outcome.kind === 'cancelled' || outcome.values === undefined)
        return outcome.kind === 'next' ? { kind: 'cancelled' } : { kind: outcome.kind };
      return { kind: outcome.kind, values: { ...editing, bucket: outcome.values } };
    },
  };
}

async function askChange(editing: Editing, place: StepPlace, { s3, protectionPeriodDays }: Location): Promise<StepOutcome<Editing>> {
  return await askPick<Editing, Change>(place, {
    placeholder: vscode.l10n.t('What is to change? What is stored there stays as it is.'),
    choices: [
      {
        label: vscode.l10n.t('Where the bucket is'),
        description: s3 === null ? '' : plainText(placeOf({ kind: 's3', ...s3 })),
        detail: vscode.l10n.t('Another way to the same bucket; it has to hold this very store.'),
        icon: 'server',
        value: 'place',
      },
      {
        label: vscode.l10n.t('Credentials'),
        detail: vscode.l10n.t('New keys, or another source of them. The lock is proved again with them before it counts as proved.'),
        icon: 'key',
        value: 'credentials',
      },
      {
        label: vscode.l10n.t('Protection period'),
        description: protectionPeriodDays === null ? vscode.l10n.t('not immutable') : vscode.l10n.t('{0} days', protectionPeriodDays),
        icon: 'shield',
        value: 'protection',
      },
    ],
    current: editing.change,
    next: (change) => ({ ...editing, change }),
  });
}

/** The daemon looks at the bucket first. Where a check fails nothing is changed; the checks stand there with their ways out, to go back or to try again. */
async function save(services: Services, location: Location, editing: Editing, place: StepPlace): Promise<StepOutcome<Editing>> {
  for (;;) {
    const saved = await tryToSave(services, location, editing);
    if (saved === undefined) return { kind: 'back' };
    if (!(saved instanceof HoldfastError) && saved.location !== null) return { kind: 'next', values: editing };
    const outcome = await askPick<boolean, boolean>(place, {
      placeholder:
        saved instanceof HoldfastError
          ? vscode.l10n.t('Nothing was changed. Go back to change what you typed.')
          : vscode.l10n.t('Nothing was changed: {0}. Go back to change what you typed.', verdictOf(saved.checks)),
      choices: [
        { label: vscode.l10n.t('Try Again'), description: plainText(placeOf(specOf(editing.bucket))), icon: 'refresh', value: true },
        ...(saved instanceof HoldfastError ? problemChoices(saved, 'error', false) : checkChoices(saved.checks, false)),
      ],
      next: (isAct) => isAct,
    });
    if (outcome.kind !== 'next') return { kind: outcome.kind };
  }
}

/** `undefined` where the user left a question in between. */
async function tryToSave(
  services: Services,
  location: Location,
  { change, bucket }: Editing,
): Promise<LocationSaved | HoldfastError | undefined> {
  const { daemon } = services;
  const spec = specOf(bucket);
  const title = vscode.l10n.t('Checking {0}', plainText(placeOf(spec)));
  // Where only the address changes, the keys that are sealed stay: nobody but the daemon has them.
  const secret = async (): Promise<Awaited<ReturnType<typeof secretOfKeys>>> =>
    change === 'credentials' ? await secretOfKeys(daemon, bucket) : {};
  const attempt = async (): Promise<LocationSaved | undefined> =>
    await ask(daemon, locationEdit, vscode.l10n.t('Edit Location {0}', plainText(location.name)), async () => ({
      location: location.locationId,
      spec,
      ...(await secret()),
    }));
  try {
    return await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title }, () => whileUnlocked(services, attempt));
  } catch (error) {
    const problem = asHoldfastError(error);
    return problem.code === 'cancelled' ? undefined : problem;
  }
}
