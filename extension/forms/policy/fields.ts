import * as vscode from 'vscode';
import { size } from '../../../client/shown/units.ts';
import { type Hook, sourceName } from '../../../protocol/methods/policies.ts';
import { askName } from '../nameStep.ts';
import { retentionWords } from '../retentionWords.ts';
import { scheduleWords } from '../scheduleWords.ts';
import { typedSeconds } from '../typedValues.ts';
import { askHook } from './askHook.ts';
import { askKeep } from './askKeep.ts';
import { askExclude, askGitignore } from './askLeftOut.ts';
import { askMaxFileSize, askReadLimit, askSwitch, switchWords } from './askLimits.ts';
import { askLocation } from './askLocation.ts';
import { askSchedule } from './askSchedule.ts';
import { askSources } from './askSources.ts';
import type { Field } from './field.ts';

/** All that a policy's form asks for, in its order. */
export function policyFields(): readonly Field[] {
  const what = vscode.l10n.t('What and where');
  const when = vscode.l10n.t('When and how long');
  const leftOut = vscode.l10n.t('What is left out');
  const around = vscode.l10n.t('How it runs');
  return [
    {
      id: 'name',
      label: vscode.l10n.t('Name'),
      group: what,
      shown: ({ name }) => name,
      ask: (draft, place, { taken }) =>
        askName(place, { prompt: vscode.l10n.t('Name of the policy'), value: draft.name, taken, next: (name) => ({ ...draft, name }) }),
    },
    {
      id: 'sources',
      label: vscode.l10n.t('Sources'),
      group: what,
      shown: ({ sources }) => sources.map(sourceName).join(', '),
      ask: askSources,
    },
    { id: 'location', label: vscode.l10n.t('Location'), group: what, shown: ({ location }) => location?.name ?? '', ask: askLocation },
    {
      id: 'schedule',
      label: vscode.l10n.t('Schedule'),
      group: when,
      shown: ({ schedule }) => scheduleWords(schedule, vscode.l10n),
      ask: askSchedule,
    },
    {
      id: 'keep',
      label: vscode.l10n.t('Restore points that stay'),
      group: when,
      shown: ({ keep }) => retentionWords(keep, vscode.l10n),
      ask: askKeep,
    },
    {
      id: 'gitignore',
      label: vscode.l10n.t('.gitignore files'),
      group: leftOut,
      shown: ({ gitignore }) => (gitignore ? vscode.l10n.t('what they name is left out') : vscode.l10n.t('are not looked at')),
      ask: askGitignore,
    },
    {
      id: 'exclude',
      label: vscode.l10n.t('Patterns'),
      group: leftOut,
      shown: ({ exclude }) => (exclude.length === 0 ? vscode.l10n.t('none') : exclude.join(', ')),
      ask: askExclude,
    },
    {
      id: 'maxFileSize',
      label: vscode.l10n.t('Large files'),
      group: leftOut,
      shown: ({ maxFileSize }) =>
        maxFileSize === null ? vscode.l10n.t('backed up too') : vscode.l10n.t('left out above {0}', size(maxFileSize)),
      ask: askMaxFileSize,
    },
    {
      id: 'includeCaches',
      label: vscode.l10n.t('Caches'),
      group: leftOut,
      shown: ({ includeCaches }) => shownSwitch('includeCaches', includeCaches),
      ask: (draft, place) => askSwitch(draft, place, 'includeCaches'),
    },
    {
      id: 'oneFileSystem',
      label: vscode.l10n.t('Other file systems'),
      group: leftOut,
      shown: ({ oneFileSystem }) => shownSwitch('oneFileSystem', oneFileSystem),
      ask: (draft, place) => askSwitch(draft, place, 'oneFileSystem'),
    },
    {
      id: 'before',
      label: vscode.l10n.t('Command before'),
      group: around,
      shown: ({ before }) => shownHook(before),
      ask: (draft, place) => askHook(draft, place, 'before'),
    },
    {
      id: 'after',
      label: vscode.l10n.t('Command after'),
      group: around,
      shown: ({ after }) => shownHook(after),
      ask: (draft, place) => askHook(draft, place, 'after'),
    },
    {
      id: 'readLimit',
      label: vscode.l10n.t('Read limit'),
      group: around,
      shown: ({ readLimit }) => (readLimit === null ? vscode.l10n.t('none') : vscode.l10n.t('{0} a second', size(readLimit))),
      ask: askReadLimit,
    },
    {
      id: 'lowPriority',
      label: vscode.l10n.t('Priority'),
      group: around,
      shown: ({ lowPriority }) => shownSwitch('lowPriority', lowPriority),
      ask: (draft, place) => askSwitch(draft, place, 'lowPriority'),
    },
  ];
}

function shownSwitch(field: 'oneFileSystem' | 'includeCaches' | 'lowPriority', isOn: boolean): string {
  const { on, off } = switchWords(field);
  return isOn ? on : off;
}

function shownHook(hook: Hook | null): string {
  return hook === null ? vscode.l10n.t('none') : vscode.l10n.t('{0}, for {1} at most', hook.command, typedSeconds(hook.timeLimit));
}
