import path from 'node:path';
import * as vscode from 'vscode';
import { commandLength, type NewSource, sourceName } from '../../../protocol/methods/policies.ts';
import { askFolder } from '../folderStep.ts';
import { askName } from '../nameStep.ts';
import type { PolicyDraft } from '../policyDraft.ts';
import { askInput, askPick, type Choice } from '../quickInputs.ts';
import { type StepOutcome, type StepPlace, subSteps } from '../steps.ts';

type Act =
  | { readonly kind: 'done' }
  | { readonly kind: 'add'; readonly source: NewSource | 'folder' | 'command' }
  | { readonly kind: 'edit'; readonly source: NewSource };

/** The sources as a list: added to, changed and taken from until the user goes on. Commands are offered in trusted workspaces only. */
export async function askSources(draft: PolicyDraft, place: StepPlace): Promise<StepOutcome<PolicyDraft>> {
  let sources = draft.sources;
  for (;;) {
    const outcome = await askPick<Act, Act>(place, {
      placeholder:
        sources.length === 0 ? vscode.l10n.t('What is to be protected?') : vscode.l10n.t('Go on, or choose a source to change it'),
      choices: choicesOf(sources),
      next: (act) => act,
    });
    if (outcome.kind === 'back') return { kind: 'back', values: { ...draft, sources } };
    if (outcome.kind === 'cancelled') return outcome;
    const act = outcome.values;
    if (act.kind === 'done') return { kind: 'next', values: { ...draft, sources } };
    const inner: StepPlace = { ...place, canGoBack: true };
    const changed = act.kind === 'add' ? await added(sources, act.source, inner) : await edited(sources, act.source, inner);
    if (changed === 'cancelled') return { kind: 'cancelled' };
    sources = changed;
  }
}

function choicesOf(sources: readonly NewSource[]): readonly Choice<Act>[] {
  const known = sources.map(
    (source): Choice<Act> => ({
      label: sourceName(source),
      ...(source.kind === 'folder' ? {} : { description: source.command }),
      icon: source.kind === 'folder' ? 'folder' : 'terminal',
      group: vscode.l10n.t('Sources'),
      value: { kind: 'edit', source },
    }),
  );
  const proposed = workspaceFolders().filter((folder) => !sources.some((source) => isFolder(source, folder)));
  const isFirst = sources.length === 0;
  return [
    ...(isFirst ? [] : [{ label: vscode.l10n.t('Go On'), icon: 'check', value: { kind: 'done' } } satisfies Choice<Act>]),
    ...known,
    ...proposed.map(
      (folder): Choice<Act> => ({
        label: vscode.l10n.t('Add {0}', folder),
        description: vscode.l10n.t('of this workspace'),
        icon: 'root-folder',
        group: vscode.l10n.t('Add'),
        value: { kind: 'add', source: { kind: 'folder', path: folder } },
      }),
    ),
    { label: vscode.l10n.t('Add a Folder…'), icon: 'new-folder', group: vscode.l10n.t('Add'), value: { kind: 'add', source: 'folder' } },
    ...(vscode.workspace.isTrusted
      ? [
          {
            label: vscode.l10n.t('Add a Command…'),
            description: vscode.l10n.t('what it prints becomes a file of the restore point'),
            icon: 'terminal',
            group: vscode.l10n.t('Add'),
            value: { kind: 'add', source: 'command' },
          } satisfies Choice<Act>,
        ]
      : []),
  ];
}

/** Folders of this window that lie on this machine. */
export function workspaceFolders(): readonly string[] {
  return (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file').map(({ uri }) => uri.fsPath);
}

function isFolder(source: NewSource, folder: string): boolean {
  return source.kind === 'folder' && path.resolve(source.path) === path.resolve(folder);
}

async function added(
  sources: readonly NewSource[],
  what: NewSource | 'folder' | 'command',
  place: StepPlace,
): Promise<readonly NewSource[] | 'cancelled'> {
  if (typeof what === 'object') return [...sources, what];
  const asked =
    what === 'folder' ? await askFolderSource(sources, '', place) : await askCommandSource(sources, { name: '', command: '' }, place);
  if (asked.kind === 'cancelled') return 'cancelled';
  return asked.kind === 'back' ? sources : [...sources, asked.values];
}

async function edited(sources: readonly NewSource[], source: NewSource, place: StepPlace): Promise<readonly NewSource[] | 'cancelled'> {
  const mayChange = source.kind === 'folder' || vscode.workspace.isTrusted;
  const outcome = await askPick<'change' | 'remove', 'change' | 'remove'>(place, {
    placeholder: sourceName(source),
    choices: [
      ...(mayChange ? [{ label: vscode.l10n.t('Change…'), icon: 'edit', value: 'change' } as const] : []),
      {
        label: vscode.l10n.t('Take Out of the Policy'),
        detail: vscode.l10n.t('Restore points that have it keep it.'),
        icon: 'trash',
        value: 'remove',
      } as const,
    ],
    next: (act) => act,
  });
  if (outcome.kind === 'cancelled') return 'cancelled';
  if (outcome.kind === 'back') return sources;
  const others = sources.filter((other) => other !== source);
  if (outcome.values === 'remove') return others;
  const asked =
    source.kind === 'folder' ? await askFolderSource(others, source.path, place) : await askCommandSource(others, source, place);
  if (asked.kind === 'cancelled') return 'cancelled';
  if (asked.kind === 'back') return sources;
  return sources.map((other) => (other === source ? asked.values : other));
}

async function askFolderSource(others: readonly NewSource[], value: string, place: StepPlace): Promise<StepOutcome<NewSource>> {
  return await askFolder<NewSource>(place, {
    prompt: vscode.l10n.t('Folder to protect'),
    value,
    openLabel: vscode.l10n.t('Protect This Folder'),
    mayBeMissing: false,
    problem: (folder) =>
      others.some((source) => isFolder(source, folder)) ? vscode.l10n.t('This folder is a source already.') : undefined,
    next: (folder) => ({ kind: 'folder', path: folder }),
  });
}

interface Command {
  readonly name: string;
  readonly command: string;
}

async function askCommandSource(others: readonly NewSource[], value: Command, place: StepPlace): Promise<StepOutcome<NewSource>> {
  const taken = others.flatMap((source) => (source.kind === 'folder' ? [] : [source.name]));
  const outcome = await subSteps<Command>(
    place,
    [
      {
        ask: (command, at) =>
          askInput(at, {
            prompt: vscode.l10n.t(
              'Command whose output is kept. It runs in the home folder at every backup; it is no place for a password',
            ),
            placeholder: 'pg_dump work',
            value: command.command,
            problem: commandProblem,
            isComplete: (typed) => typed.trim() !== '',
            next: (typed) => ({ ...command, command: typed.trim() }),
          }),
      },
      {
        ask: (command, at) =>
          askName(at, {
            prompt: vscode.l10n.t('Name of the file in the restore point'),
            value: command.name,
            taken,
            next: (name) => ({ ...command, name }),
          }),
      },
    ],
    value,
  );
  return outcome.kind === 'next' ? { kind: 'next', values: { kind: 'command', ...outcome.values } } : { kind: outcome.kind };
}

/** Why a command will not do, as a sentence. */
export function commandProblem(typed: string): string | undefined {
  if (typed.length > commandLength) return vscode.l10n.t('A command has at most {0} characters.', commandLength);
  return typed.includes('\0') ? vscode.l10n.t('A command holds no NUL.') : undefined;
}
