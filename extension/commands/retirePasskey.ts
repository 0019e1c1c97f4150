import * as vscode from 'vscode';
import { HoldfastError } from '../../protocol/errors.ts';
import {
  passkeyGate,
  type PasskeyGate,
  passkeyList,
  passkeyRetire,
  type RetiredPasskey,
  type PasskeyRetireParams,
} from '../../protocol/methods/passkeys.ts';
import { ask } from '../connection/asking.ts';
import { listAll } from '../connection/listAll.ts';
import { askPick } from '../forms/quickInputs.ts';
import type { Services } from '../services.ts';
import { cancellable } from '../ui/cancellable.ts';
import { confirmed } from '../ui/confirm.ts';
import { gateReasons, gateVerdict, leakText, othersText } from '../ui/gateText.ts';
import { plainText } from '../ui/plainText.ts';
import { tellQuietly } from '../ui/tellQuietly.ts';
import { passkeyOf } from './pickThing.ts';

/** What it opened is opened by the others alone from then on: the user types its name. */
export async function retirePasskey(services: Services, args: readonly unknown[]): Promise<void> {
  const passkey = await passkeyOf(services, args, {
    title: vscode.l10n.t('Retire Passkey…'),
    fits: ({ inUse }) => !inUse,
  });
  if (passkey !== undefined) await retireNamed(services, passkey);
}

/** For a passkey that was chosen already. */
export async function retireNamed(services: Services, { id, name }: { readonly id: string; readonly name: string }): Promise<void> {
  const { daemon } = services;
  const gate = await cancellable(
    vscode.l10n.t('Looking what needs the passkey {0}', plainText(name)),
    async (signal) => await daemon.call(passkeyGate, { passkey: id }, { signal }),
  );
  // Where asking changes nothing, nobody types a name for it.
  if (!gate.allowed && !gate.begins && (gate.from === null || gate.isBegun)) {
    await showRefusal(gateVerdict(gate, name), gateReasons(gate.reasons));
    return;
  }
  const known = await listAll(daemon, passkeyList, {});
  const passkey = known.find(({ slotId }) => slotId === id);
  const outside = await askOutside(name, gate);
  if (outside === undefined || !(await isNameTyped(name))) return;
  const isOutside = passkey !== undefined && passkey.kind !== 'passphrase';
  if (isOutside && !(await isSure(name, gate, outside))) return;
  const leak = leakText(gate);
  try {
    const params = (isConfirmed: boolean): PasskeyRetireParams => ({ passkey: id, confirmed: isConfirmed || isOutside, outside });
    const more = leak === undefined ? [] : [leak];
    const retired = await cancellable(
      vscode.l10n.t('Retiring the passkey {0}', plainText(name)),
      async (signal) => await ask(daemon, passkeyRetire, vscode.l10n.t('Retire Passkey'), params, more, signal),
    );
    if (retired !== undefined) tellQuietly(retiredText(name, retired));
  } catch (error) {
    await tellWhy(services, id, name, error);
  }
}

/** That it is retired, and what became of its key outside where that was to end. */
function retiredText(name: string, { outside, reasons }: Pick<RetiredPasskey, 'outside' | 'reasons'>): string {
  if (outside === null || (outside !== 'ended' && reasons.length === 0)) return vscode.l10n.t('The passkey {0} is retired', name);
  if (outside === 'ended') return vscode.l10n.t('The passkey {0} is retired, and its key outside ends', name);
  return vscode.l10n.t('The passkey {0} is retired; its key outside goes on: {1}', name, reasons.map(({ what }) => what).join(', '));
}

type Outside = 'leave' | 'end';

/** Whether the key outside ends too, where nothing needs it any more. */
async function askOutside(name: string, { allowed, commands }: PasskeyGate): Promise<Outside | undefined> {
  if (!allowed || commands.length === 0) return 'leave';
  const outcome = await askPick<Outside, Outside>(
    { title: vscode.l10n.t('Retire Passkey {0}', plainText(name)), step: undefined, of: undefined, canGoBack: false },
    {
      placeholder: vscode.l10n.t('Nothing needs its key outside any more. What becomes of that?'),
      choices: [
        {
          label: vscode.l10n.t('It Stays'),
          detail: vscode.l10n.t('Whoever runs it can end it at any time from now on.'),
          icon: 'key',
          value: 'leave',
        },
        { label: vscode.l10n.t('It Ends Too'), detail: commands.join(' ; '), icon: 'trash', value: 'end' },
      ],
      current: 'leave',
      next: (outside) => outside,
    },
  );
  return outcome.kind === 'next' ? outcome.values : undefined;
}

async function isNameTyped(name: string): Promise<boolean> {
  const typed = await vscode.window.showInputBox({
    title: vscode.l10n.t('Retire Passkey'),
    prompt: vscode.l10n.t('It will open nothing any more. Type its name to retire it: {0}', name),
    ignoreFocusOut: true,
    validateInput: (text) => (text === '' || name.startsWith(text) ? undefined : vscode.l10n.t('This is not its name.')),
  });
  if (typed === undefined) return false;
  if (typed === name) return true;
  throw HoldfastError.failedTo('refusedByRule', 'retire the passkey', 'its name was not typed', { fix: 'Type the whole name.' });
}

/** What will be lost with a key outside, and from when. */
async function isSure(name: string, gate: PasskeyGate, outside: Outside): Promise<boolean> {
  const leak = leakText(gate);
  return await confirmed({
    question: gate.allowed
      ? vscode.l10n.t('Retire the passkey {0}?', plainText(name))
      : vscode.l10n.t('Begin to retire the passkey {0}?', plainText(name)),
    detail: [
      ...(gate.allowed
        ? [vscode.l10n.t('It opens nothing any more.')]
        : [
            gateVerdict(gate, name),
            ...gateReasons(gate.reasons),
            vscode.l10n.t('New keyrings leave it out from now on, so that the date stands. Let nobody end its key outside before.'),
          ]),
      ...othersText(gate),
      ...(outside === 'end'
        ? [
            vscode.l10n.t('Its key outside ends too: {0}', gate.commands.join(' ; ')),
            vscode.l10n.t('Of another installation that uses the same key nothing is known here.'),
          ]
        : []),
      ...(leak === undefined ? [] : [leak]),
    ].join('\n\n'),
    act: gate.allowed ? vscode.l10n.t('Retire Passkey') : vscode.l10n.t('Begin to Retire'),
  });
}

/** What was refused by rule has a list and a date to take away; what could not be ended outside has a command. */
async function tellWhy({ daemon }: Services, id: string, name: string, error: unknown): Promise<void> {
  if (HoldfastError.is(error, 'cancelled')) {
    const isRetired = (await listAll(daemon, passkeyList, {})).some(({ slotId, state }) => slotId === id && state === 'retired');
    tellQuietly(
      isRetired
        ? vscode.l10n.t('Cancelled: the passkey {0} is retired, and its key outside goes on', name)
        : vscode.l10n.t('Cancelled: the passkey {0} is not retired', name),
      'circle-slash',
    );
    return;
  }
  if (HoldfastError.is(error, 'refusedByRule')) {
    const gate = await daemon.call(passkeyGate, { passkey: id });
    await showRefusal(error.message, [
      ...(gate.from === null ? [] : [gateVerdict(gate, name)]),
      ...gateReasons(gate.reasons),
      ...(error.fix === undefined ? [] : [error.fix]),
    ]);
    return;
  }
  const command = HoldfastError.is(error) ? error.details?.['command'] : undefined;
  if (!HoldfastError.is(error, 'keyServiceRefused') || typeof command !== 'string') throw error;
  const copy = vscode.l10n.t('Copy Command');
  const chosen = await vscode.window.showWarningMessage(
    plainText(error.message),
    { modal: true, detail: vscode.l10n.t('The passkey is retired. Who may end its key outside does it with:\n\n{0}', command) },
    copy,
  );
  if (chosen === copy) await vscode.env.clipboard.writeText(command);
}

async function showRefusal(message: string, lines: readonly string[]): Promise<void> {
  const copy = vscode.l10n.t('Copy');
  const chosen = await vscode.window.showWarningMessage(plainText(message), { modal: true, detail: plainLines(lines) }, copy);
  if (chosen === copy) await vscode.env.clipboard.writeText([message, ...lines].join('\n'));
}

function plainLines(lines: readonly string[]): string {
  return lines.map((line) => plainText(line)).join('\n\n');
}
