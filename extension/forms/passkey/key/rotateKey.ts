import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import { HoldfastError } from '../../../../protocol/errors.ts';
import {
  type Passkey,
  passkeyGate,
  passkeyRotate,
  type PasskeyRotateParams,
  type PasskeyRotateResult,
  passkeySchedule,
} from '../../../../protocol/methods/passkeys.ts';
import { keyArnProblem } from '../../../../protocol/namedKeys.ts';
import { asHoldfastError } from '../../../connection/asHoldfastError.ts';
import { ask } from '../../../connection/asking.ts';
import type { Services } from '../../../services.ts';
import { cancellable } from '../../../ui/cancellable.ts';
import { gateReasons, gateVerdict, leakText } from '../../../ui/gateText.ts';
import { plainText } from '../../../ui/plainText.ts';
import { tellQuietly } from '../../../ui/tellQuietly.ts';
import { askInput, askPick, type Choice } from '../../quickInputs.ts';
import { problemChoices, twoLines } from '../../sentences.ts';
import { runSteps, type Step, type StepOutcome, type StepPlace } from '../../steps.ts';
import { whileUnlocked } from '../../unlocked.ts';
import { rotatedBefore } from '../rotatedBefore.ts';
import { stepUpFirst } from '../stepUpFirst.ts';
import { longestInterval, offeredIntervals, type Schedule, scheduleOf, schedulePlan, scheduleProblem } from './rotationSchedule.ts';
import { whatHappens } from './rotationText.ts';

interface Answers {
  readonly act: 'rotate' | 'schedule';
  readonly schedule: Schedule;
  /** Days that are typed. */
  readonly other: string;
  readonly result: PasskeyRotateResult | undefined;
}

/**
 * Rotates a passkey of KMS or Vault: says what will happen, does it, hands over what this program may not do as a command and goes on. `undefined` where the
 * user left, or nothing was rotated.
 */
export async function askToRotateKey(
  services: Services,
  passkey: Passkey,
  known: readonly Passkey[],
): Promise<PasskeyRotateResult | undefined> {
  const title = vscode.l10n.t('Rotate Passkey {0}', passkey.name);
  if (!(await stepUpFirst(services, title))) return undefined;
  const steps: readonly Step<Answers>[] = [
    { ask: (answers, place) => askAct(answers, passkey, place) },
    { ask: askSchedule },
    { isNeeded: ({ schedule }) => schedule === 'other', ask: askOther },
    { isNeeded: ({ act }) => act === 'rotate', ask: (answers, place) => rotate(services, title, passkey, known, answers, place) },
  ];
  const answers = await runSteps<Answers>(title, steps, { act: 'rotate', schedule: 'asIs', other: '', result: undefined });
  if (answers === undefined) return undefined;
  if (answers.act === 'rotate') return answers.result;
  const everyDays = schedulePlan(answers);
  if (everyDays === undefined) return undefined;
  const saved = await whileUnlocked(services, () =>
    ask(services.daemon, passkeySchedule, title, () => ({ passkey: passkey.slotId, everyDays })),
  );
  if (saved !== undefined) tellQuietly(scheduleText(saved.name, everyDays), 'calendar');
  return undefined;
}

function scheduleText(name: string, everyDays: number | null): string {
  return everyDays === null
    ? vscode.l10n.t('The passkey {0} rotates by itself no more', name)
    : vscode.l10n.t('The passkey {0} rotates by itself every {1} days', name, everyDays);
}

async function askAct(answers: Answers, passkey: Passkey, place: StepPlace): Promise<StepOutcome<Answers>> {
  for (;;) {
    const outcome = await askPick<Answers['act'] | 'look', Answers['act'] | 'look'>(place, {
      placeholder: vscode.l10n.t('What will happen: nothing that is stored is touched, and nothing is destroyed.'),
      choices: [
        { label: vscode.l10n.t('Rotate Now'), description: passkey.name, icon: 'sync', value: 'rotate' },
        {
          label: vscode.l10n.t('Only Set When It Rotates by Itself…'),
          icon: 'calendar',
          value: 'schedule',
        },
        ...whatHappens(passkey).map(
          (sentence): Choice<'look'> => ({
            ...twoLines(sentence),
            icon: 'info',
            value: 'look',
          }),
        ),
      ],
      current: answers.act,
      next: (act) => act,
    });
    if (outcome.kind !== 'next') return { kind: outcome.kind };
    if (outcome.values !== 'look') return { kind: 'next', values: { ...answers, act: outcome.values } };
  }
}

async function askSchedule(answers: Answers, place: StepPlace): Promise<StepOutcome<Answers>> {
  return await askPick<Answers, Schedule>(place, {
    placeholder: vscode.l10n.t('Does it rotate by itself from now on? It stops before anything that destroys.'),
    choices: [
      ...(answers.act === 'rotate'
        ? [{ label: vscode.l10n.t('Leave That as It Is'), icon: 'circle-outline', value: 'asIs' as const }]
        : []),
      ...offeredIntervals.map((days) => ({ label: vscode.l10n.t('Every {0} days', days), icon: 'calendar', value: days })),
      { label: vscode.l10n.t('Another time…'), icon: 'edit', value: 'other' },
      { label: vscode.l10n.t('Not by Itself'), icon: 'circle-slash', value: 'never' },
    ],
    current: answers.schedule,
    next: (schedule) => ({ ...answers, schedule }),
  });
}

async function askOther(answers: Answers, place: StepPlace): Promise<StepOutcome<Answers>> {
  return await askInput(place, {
    prompt: vscode.l10n.t('Days from one rotation to the next, at most {0}', longestInterval),
    value: answers.other === '' ? '90' : answers.other,
    problem: (text) => (text.trim() === '' ? undefined : scheduleProblem(text)),
    isComplete: (text) => scheduleOf(text) !== undefined,
    next: (other) => ({ ...answers, other }),
  });
}

type Act = 'again' | 'look' | 'name' | { readonly copies: string };

async function rotate(
  services: Services,
  title: string,
  passkey: Passkey,
  known: readonly Passkey[],
  answers: Answers,
  place: StepPlace,
): Promise<StepOutcome<Answers>> {
  let outcome: PasskeyRotateResult | HoldfastError | undefined;
  let keyArn: string | undefined;
  for (;;) {
    outcome ??= await tryToRotate(services, title, passkey, known, { ...answers, keyArn });
    if (outcome === undefined) return { kind: 'back', values: answers };
    if (!(outcome instanceof HoldfastError)) return { kind: 'next', values: { ...answers, result: outcome } };
    const chosen = await askPick<Act, Act>(place, { ...questionOf(outcome, passkey), next: (act) => act });
    if (chosen.kind !== 'next') return chosen.kind === 'back' ? { kind: 'back', values: answers } : chosen;
    if (chosen.values === 'name') {
      const named = await askNextKey(place);
      if (named.kind === 'next') keyArn = named.values;
      if (named.kind === 'next') outcome = undefined;
    } else if (chosen.values === 'again') outcome = undefined;
    else if (chosen.values !== 'look') {
      await vscode.env.clipboard.writeText(chosen.values.copies);
      tellQuietly(vscode.l10n.t('The command is in the clipboard'), 'clippy');
    }
  }
}

function nextKeyProblem(text: string): string | undefined {
  if (keyArnProblem(text.trim()) === undefined) return undefined;
  return vscode.l10n.t('Give the ARN of the key: an alias can name another one by now.');
}

async function askNextKey(place: StepPlace): Promise<StepOutcome<string>> {
  return await askInput(place, {
    prompt: vscode.l10n.t('ARN of the next key. The master key is wrapped for whoever may use it.'),
    problem: (text) => (text.trim() === '' ? undefined : nextKeyProblem(text)),
    isComplete: (text) => nextKeyProblem(text) === undefined,
    next: (text) => text.trim(),
  });
}

/** What the service does not let this program do is for somebody else to do: the command to hand over, and to go on behind it. */
function questionOf(problem: HoldfastError, { name }: Passkey): { readonly placeholder: string; readonly choices: readonly Choice<Act>[] } {
  const command = problem.details?.['command'];
  if (typeof command !== 'string') {
    return {
      placeholder: vscode.l10n.t('It was not rotated; the passkey goes on as before.'),
      choices: [
        { label: vscode.l10n.t('Try Again'), description: name, icon: 'refresh', value: 'again' },
        ...problemChoices<Act>(problem, 'error', 'look'),
      ],
    };
  }
  return {
    placeholder: vscode.l10n.t('Somebody with the right has to do this. The passkey goes on as before.'),
    choices: [
      { label: vscode.l10n.t('Copy Command'), detail: command, icon: 'copy', value: { copies: command } },
      problem.details?.['next'] === 'keyArn'
        ? { label: vscode.l10n.t('Name the Next Key…'), description: vscode.l10n.t('once it has run'), icon: 'arrow-right', value: 'name' }
        : { label: vscode.l10n.t('Go On'), description: vscode.l10n.t('once it has run'), icon: 'arrow-right', value: 'again' },
      ...problemChoices<Act>(problem, 'warning', 'look'),
    ],
  };
}

/** `undefined` where the user left a question in between, or cancelled: what was done by then is gone on with by the same again. */
async function tryToRotate(
  services: Services,
  title: string,
  { slotId, name }: Passkey,
  known: readonly Passkey[],
  answers: Answers & { readonly keyArn: string | undefined },
): Promise<PasskeyRotateResult | HoldfastError | undefined> {
  const { daemon } = services;
  const requestId = randomUUID();
  const everyDays = schedulePlan(answers);
  const attempt = async (signal: AbortSignal): Promise<PasskeyRotateResult | undefined> => {
    const before = await rotatedBefore(daemon, slotId, known);
    if (before !== undefined) return { ...before, gate: await daemon.call(passkeyGate, { passkey: slotId }), steps: [] };
    const params = (_isConfirmed: boolean, asked: HoldfastError | undefined): PasskeyRotateParams => {
      // The key that was asked about, and no other that has come in its place since.
      const confirmed = asked?.details?.['keyArn'];
      const keyArn = typeof confirmed === 'string' ? confirmed : answers.keyArn;
      return {
        requestId: asked === undefined ? requestId : randomUUID(),
        passkey: slotId,
        ...(everyDays === undefined ? {} : { everyDays }),
        ...(keyArn === undefined ? {} : { keyArn }),
      };
    };
    return await ask(daemon, passkeyRotate, title, params, [], signal);
  };
  try {
    return await cancellable(
      vscode.l10n.t('Rotating the passkey {0}', plainText(name)),
      async (signal) => await whileUnlocked(services, async () => await attempt(signal)),
    );
  } catch (error) {
    const problem = asHoldfastError(error);
    return problem.code === 'cancelled' ? undefined : problem;
  }
}

function line(sentence: string, icon: string, group?: string): Choice<'done'> {
  return { ...twoLines(sentence), icon, ...(group === undefined ? {} : { group }), value: 'done' };
}

/** Shows what was done, and what the gate says of the old one. `true` where the user wants to retire that. */
export async function showRotated({ passkey, previous, gate, steps }: PasskeyRotateResult): Promise<boolean> {
  const leak = leakText(gate);
  const old = vscode.l10n.t('The old one');
  const outcome = await askPick<'done' | 'retire', 'done' | 'retire'>(
    { title: vscode.l10n.t('Rotated the passkey {0}', plainText(passkey.name)), step: undefined, of: undefined, canGoBack: false },
    {
      placeholder: vscode.l10n.t('The new one is in use. The old one opens the backups until it is retired.'),
      choices: [
        { label: vscode.l10n.t('Done'), icon: 'check', value: 'done' },
        ...(gate.allowed
          ? [{ label: vscode.l10n.t('Retire the Old One…'), description: previous.name, icon: 'trash', value: 'retire' as const }]
          : []),
        ...steps.map((step) => line(step, 'pass')),
        line(gateVerdict(gate, previous.name), gate.allowed ? 'unlock' : 'lock', old),
        ...gateReasons(gate.reasons).map((reason) => line(reason, 'circle-outline', old)),
        ...(gate.allowed
          ? []
          : [line(vscode.l10n.t('Let nobody end its key outside before. Retire Passkey… says what to do, and when.'), 'warning', old)]),
        ...(leak === undefined ? [] : [line(leak, 'info', old)]),
      ],
      next: (act) => act,
    },
  );
  return outcome.kind === 'next' && outcome.values === 'retire';
}
