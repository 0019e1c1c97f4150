import * as vscode from 'vscode';
import { size } from '../../../client/shown/units.ts';
import { type Entry, restorePointFiles } from '../../../protocol/methods/restorePoints.ts';
import type { Services } from '../../services.ts';
import { askPick, type Choice } from '../quickInputs.ts';
import type { StepOutcome, StepPlace } from '../steps.ts';
import { whileUnlocked } from '../unlocked.ts';
import { isTaken, parentOf, type RestorePlan, toggled } from './restorePlan.ts';

const atOnce = 1000;

type Act =
  | { readonly kind: 'done' | 'up' | 'more' | 'whole' }
  | { readonly kind: 'open'; readonly path: string }
  | { readonly kind: 'toggle'; readonly path: string };

/** Lets the user walk through a restore point and take files and folders, by the keyboard alone too: Enter opens a folder and takes a file. */
export async function pickEntries(plan: RestorePlan, place: StepPlace, services: Services): Promise<StepOutcome<RestorePlan>> {
  let paths = plan.paths;
  let folder = '';
  let listing = await list(services, plan.restorePointId, folder, []);
  for (;;) {
    const outcome = await askPick<Act, Act>(place, {
      placeholder: folder === '' ? vscode.l10n.t('What comes back? Enter opens a folder and takes a file') : folder,
      choices: choicesOf(paths, folder, listing),
      next: (act) => act,
    });
    if (outcome.kind === 'back') return { kind: 'back', values: { ...plan, paths } };
    if (outcome.kind === 'cancelled') return outcome;
    const act = outcome.values;
    switch (act.kind) {
      case 'done':
        return { kind: 'next', values: { ...plan, paths } };
      case 'toggle':
        paths = toggled(paths, act.path);
        break;
      case 'whole':
        paths = toggled(paths, folder);
        break;
      case 'up':
        folder = parentOf(folder);
        listing = await list(services, plan.restorePointId, folder, []);
        break;
      case 'open':
        folder = act.path;
        listing = await list(services, plan.restorePointId, folder, []);
        break;
      case 'more':
        listing = await list(services, plan.restorePointId, folder, listing.entries, listing.next);
        break;
    }
  }
}

interface Listing {
  readonly entries: readonly Entry[];
  readonly next: string | null;
}

async function list(
  services: Services,
  restorePoint: string,
  path: string,
  before: readonly Entry[],
  after: string | null = null,
): Promise<Listing> {
  const { items, next } = await whileUnlocked(services, () =>
    services.daemon.call(restorePointFiles, {
      restorePoint,
      recursive: false,
      limit: atOnce,
      ...(path === '' ? {} : { path }),
      ...(after === null ? {} : { after }),
    }),
  );
  return { entries: [...before, ...items], next };
}

function choicesOf(paths: readonly string[], folder: string, { entries, next }: Listing): readonly Choice<Act>[] {
  const [only] = paths;
  return [
    ...(only === undefined
      ? []
      : [
          {
            label: paths.length === 1 ? vscode.l10n.t('Go On With {0}', only) : vscode.l10n.t('Go On With {0} Chosen', paths.length),
            ...(paths.length === 1 ? {} : { detail: paths.join(', ') }),
            icon: 'check-all',
            value: { kind: 'done' },
          } satisfies Choice<Act>,
        ]),
    ...(folder === ''
      ? []
      : [
          { label: vscode.l10n.t('Up'), description: parentOf(folder), icon: 'arrow-up', value: { kind: 'up' } } satisfies Choice<Act>,
          {
            label: isTaken(paths, folder) ? vscode.l10n.t('Leave Out This Folder') : vscode.l10n.t('Take This Whole Folder'),
            description: folder,
            icon: isTaken(paths, folder) ? 'close' : 'check',
            value: { kind: 'whole' },
          } satisfies Choice<Act>,
        ]),
    ...entries.map((entry) => choiceOf(entry, isTaken(paths, entry.path))),
    ...(next === null ? [] : [{ label: vscode.l10n.t('More…'), icon: 'ellipsis', value: { kind: 'more' } } satisfies Choice<Act>]),
  ];
}

function choiceOf({ path, kind, size: bytes }: Entry, isChosen: boolean): Choice<Act> {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const isFolder = kind === 'dir';
  const facts = [...(isChosen ? [vscode.l10n.t('chosen')] : []), ...(isFolder || bytes === null ? [] : [size(bytes)])];
  return {
    label: isFolder ? `${name}/` : name,
    description: facts.join(' · '),
    icon: isChosen ? 'check' : isFolder ? 'folder' : 'file',
    group: vscode.l10n.t('In this folder'),
    value: isFolder ? { kind: 'open', path } : { kind: 'toggle', path },
  };
}
