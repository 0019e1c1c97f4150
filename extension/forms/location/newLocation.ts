import * as vscode from 'vscode';
import { type Location, locationList } from '../../../protocol/methods/locations.ts';
import { listAll } from '../../connection/listAll.ts';
import type { Services } from '../../services.ts';
import { askName } from '../nameStep.ts';
import { type Part, partOf } from '../partOf.ts';
import { proposedName } from '../proposedName.ts';
import { askPick } from '../quickInputs.ts';
import { type Step, type StepOutcome, type StepPlace, subSteps, walkSteps } from '../steps.ts';
import { whileUnlocked } from '../unlocked.ts';
import { bucketSteps } from './bucketSteps.ts';
import { folderSteps } from './folderSteps.ts';
import { canBeImmutable, emptyLocation, type LocationDraft } from './locationDraft.ts';
import { type LockFacts, readLockFacts } from './lockFacts.ts';
import { askPreflight } from './preflight.ts';
import { protectionSteps } from './protectionSteps.ts';
import { saveLocation } from './saveLocation.ts';
import { askToAdd } from './summary.ts';

/** What the form knows of the installation. */
interface Known {
  readonly locations: readonly Location[];
  readonly locks: LockFacts;
}

/** Asks for a new location until it is saved: a form of its own, or as a step of another. */
export async function askNewLocation(services: Services, within?: StepPlace): Promise<StepOutcome<Location>> {
  const known = await whileUnlocked(services, async () => ({
    locations: await listAll(services.daemon, locationList, {}),
    locks: await readLockFacts(services.daemon),
  }));
  const steps = stepsOf(services, known);
  const outcome =
    within === undefined
      ? await walkSteps({ title: vscode.l10n.t('New Location'), canLeave: false }, steps, emptyLocation)
      : await subSteps({ ...within, title: vscode.l10n.t('{0}: New Location', within.title) }, steps, emptyLocation);
  if (outcome.kind === 'back') return { kind: 'back' };
  if (outcome.kind === 'cancelled' || outcome.values.location === undefined) return { kind: 'cancelled' };
  return { kind: 'next', values: outcome.values.location };
}

function stepsOf(services: Services, known: Known): readonly Step<LocationDraft>[] {
  const taken = known.locations.map(({ name }) => name);
  const { longestAbsenceDays } = known.locks;
  return [
    { ask: askKind },
    ...folderSteps(known.locations).map((step) =>
      inLocation(step, {
        isPart: ({ kind }) => kind === 'filesystem',
        part: ({ folder, isMissing }) => ({ folder, isMissing }),
        whole: (draft, { folder, isMissing }) => ({ ...draft, folder, isMissing, name: nameFor(draft, { ...draft, folder }, taken) }),
      }),
    ),
    ...bucketSteps().map((step) =>
      inLocation(step, {
        isPart: isBucket,
        part: ({ bucket }) => bucket,
        whole: (draft, bucket) => ({ ...draft, bucket, name: nameFor(draft, { ...draft, bucket }, taken) }),
      }),
    ),
    {
      ask: (draft, place) =>
        askName(place, {
          prompt: vscode.l10n.t('Name of the location'),
          value: draft.name,
          taken,
          next: (name) => ({ ...draft, name }),
        }),
    },
    {
      isNeeded: isBucket,
      ask: async (draft, place) => {
        const outcome = await askPreflight(services, draft.bucket, draft.preflight, place);
        return outcome.kind === 'next' ? { kind: 'next', values: { ...draft, preflight: outcome.values } } : { kind: outcome.kind };
      },
    },
    ...protectionSteps({ ...known.locks, mayBeOff: true, asksMode: true }).map((step) =>
      inLocation(step, {
        isPart: canBeImmutable,
        part: ({ protection, bucket }) => ({ ...protection, isSealed: bucket.source === 'sealed' }),
        whole: (draft, { days, isOther, mode }) => ({ ...draft, protection: { days, isOther, mode } }),
      }),
    ),
    { isNeeded: isBucket, ask: (draft, place) => askToAdd(draft, place, longestAbsenceDays) },
    { ask: (draft, place) => saveLocation(services, draft, place) },
  ];
}

function isBucket({ kind }: LocationDraft): boolean {
  return kind === 's3';
}

function inLocation<Values>(step: Step<Values>, part: Part<LocationDraft, Values>): Step<LocationDraft> {
  return partOf(step, part);
}

async function askKind(draft: LocationDraft, place: StepPlace): Promise<StepOutcome<LocationDraft>> {
  return await askPick<LocationDraft, LocationDraft['kind']>(place, {
    placeholder: vscode.l10n.t('Where do restore points go?'),
    choices: [
      {
        label: vscode.l10n.t('Folder'),
        detail: vscode.l10n.t('On another drive, a share, or whatever is mounted. Not immutable.'),
        icon: 'folder',
        value: 'filesystem',
      },
      {
        label: vscode.l10n.t('S3 bucket'),
        detail: vscode.l10n.t('At AWS or another store that speaks S3. With Object Lock backups become immutable.'),
        icon: 'cloud',
        value: 's3',
      },
    ],
    current: draft.kind,
    next: (kind) => ({ ...draft, kind }),
  });
}

/** What the user typed stays; what was only proposed follows the folder or bucket. */
function nameFor(before: LocationDraft, after: LocationDraft, taken: readonly string[]): string {
  const otherwise = vscode.l10n.t('backups');
  const proposal = ({ kind, folder, bucket }: LocationDraft): string =>
    proposedName(kind === 'filesystem' ? folder : bucket.bucket, taken, otherwise);
  const isProposed =
    before.name === '' ||
    [before, { ...before, kind: 'filesystem' as const }, { ...before, kind: 's3' as const }].some(
      (draft) => proposal(draft) === before.name,
    );
  return isProposed ? proposal(after) : before.name;
}
