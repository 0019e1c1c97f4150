import * as vscode from 'vscode';
import { HoldfastError } from '../../../../protocol/errors.ts';
import { passkeyCheck, type PasskeyCheckResult } from '../../../../protocol/methods/passkeys.ts';
import { asHoldfastError } from '../../../connection/asHoldfastError.ts';
import { repeated } from '../../../connection/repeated.ts';
import type { Services } from '../../../services.ts';
import { plainText } from '../../../ui/plainText.ts';
import { tellQuietly } from '../../../ui/tellQuietly.ts';
import { askPick, type Choice } from '../../quickInputs.ts';
import { problemChoices } from '../../sentences.ts';
import type { StepOutcome, StepPlace } from '../../steps.ts';
import { isGoodKey, keyCheckChoices, keyVerdict } from './keyChecks.ts';
import { keyCredentials } from './keyCredentials.ts';
import { type KeyDraft, serviceKeyOf, shownTarget } from './keyDraft.ts';
import { policiesToCopy } from './policyToCopy.ts';

type Act = 'goOn' | 'again' | 'look' | { readonly copies: string };

/**
 * Looks at the key with the given rights, and shows every check with its way out and the smallest policy to copy. Where one fails the form goes no further,
 * and Back keeps what was typed.
 */
export async function askKeyCheck<Draft extends KeyDraft>(services: Services, draft: Draft, place: StepPlace): Promise<StepOutcome<Draft>> {
  let seen: PasskeyCheckResult | HoldfastError | undefined;
  for (;;) {
    seen ??= await look(services, draft);
    const isGood = !(seen instanceof HoldfastError) && isGoodKey(seen.checks);
    const outcome = await askPick<Act, Act>(place, {
      placeholder: placeholderOf(seen),
      choices: [
        isGood
          ? { label: vscode.l10n.t('Go On'), icon: 'arrow-right', value: 'goOn' }
          : { label: vscode.l10n.t('Try Again'), icon: 'refresh', value: 'again' },
        ...linesOf(seen),
        ...policyChoices(draft, seen),
      ],
      next: (act) => act,
    });
    if (outcome.kind !== 'next') return outcome.kind === 'back' ? { kind: 'back', values: draft } : outcome;
    if (outcome.values === 'goOn') return { kind: 'next', values: draft };
    if (outcome.values === 'again') seen = undefined;
    else if (outcome.values !== 'look') {
      await vscode.env.clipboard.writeText(outcome.values.copies);
      tellQuietly(vscode.l10n.t('The policy is in the clipboard'), 'clippy');
    }
  }
}

function placeholderOf(seen: PasskeyCheckResult | HoldfastError): string {
  if (seen instanceof HoldfastError) return vscode.l10n.t('It could not be looked at.');
  return isGoodKey(seen.checks)
    ? vscode.l10n.t('The key can hold the master key: {0}.', keyVerdict(seen.checks))
    : vscode.l10n.t('Go back to change what you typed: {0}.', keyVerdict(seen.checks));
}

function linesOf(seen: PasskeyCheckResult | HoldfastError): readonly Choice<Act>[] {
  return seen instanceof HoldfastError ? problemChoices<Act>(seen, 'error', 'look') : keyCheckChoices<Act>(seen.checks, 'look');
}

function policyChoices(draft: KeyDraft, seen: PasskeyCheckResult | HoldfastError): readonly Choice<Act>[] {
  const reference = seen instanceof HoldfastError ? null : seen.reference;
  return policiesToCopy(draft, reference).map(({ label, detail, text }) => ({
    label,
    detail,
    icon: 'copy',
    group: vscode.l10n.t('Least rights'),
    value: { copies: text },
  }));
}

async function look({ daemon }: Services, draft: KeyDraft): Promise<PasskeyCheckResult | HoldfastError> {
  const key = serviceKeyOf(draft);
  if (key === undefined) throw new RangeError('a passphrase is no key outside');
  const title = vscode.l10n.t('Checking {0}', plainText(shownTarget(key.target)));
  try {
    return await vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title }, () =>
      repeated(daemon, async () => await daemon.call(passkeyCheck, { ...key, ...(await keyCredentials(daemon, draft)) })),
    );
  } catch (error) {
    return asHoldfastError(error);
  }
}
