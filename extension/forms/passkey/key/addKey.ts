import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import { HoldfastError } from '../../../../protocol/errors.ts';
import { type Passkey, passkeyAdd, passkeyVerify } from '../../../../protocol/methods/passkeys.ts';
import { asHoldfastError } from '../../../connection/asHoldfastError.ts';
import { ask } from '../../../connection/asking.ts';
import type { Services } from '../../../services.ts';
import { plainText } from '../../../ui/plainText.ts';
import { askPick } from '../../quickInputs.ts';
import { problemChoices } from '../../sentences.ts';
import type { StepOutcome, StepPlace } from '../../steps.ts';
import { whileUnlocked } from '../../unlocked.ts';
import { keyCredentials } from './keyCredentials.ts';
import { type KeyDraft, serviceKeyOf, shownTarget } from './keyDraft.ts';

interface NamedKey extends KeyDraft {
  readonly name: string;
  readonly useNow: boolean;
  readonly passkey: Passkey | undefined;
}

/** The last step for a key outside: it is wrapped with, verified, and only then counts. Where that fails nothing is added, and Back keeps what was typed. */
export async function addKey<Draft extends NamedKey>(
  services: Services,
  title: string,
  draft: Draft,
  place: StepPlace,
): Promise<StepOutcome<Draft>> {
  for (;;) {
    const added = await tryToAdd(services, title, draft);
    if (added === undefined) return { kind: 'back', values: draft };
    if (!(added instanceof HoldfastError)) return { kind: 'next', values: { ...draft, passkey: added } };
    const outcome = await askPick<boolean, boolean>(place, {
      placeholder: vscode.l10n.t('The passkey was not added. Go back to change what you typed.'),
      choices: [
        { label: vscode.l10n.t('Try Again'), description: draft.name, icon: 'refresh', value: true },
        ...problemChoices(added, 'error', false),
      ],
      next: (isAct) => isAct,
    });
    if (outcome.kind !== 'next') return outcome.kind === 'back' ? { kind: 'back', values: draft } : outcome;
  }
}

/** `undefined` where the user left a question in between. */
async function tryToAdd(services: Services, title: string, draft: NamedKey): Promise<Passkey | HoldfastError | undefined> {
  const { daemon } = services;
  const { name, useNow } = draft;
  const key = serviceKeyOf(draft);
  if (key === undefined) throw new RangeError('a passphrase is no key outside');
  const requestId = randomUUID();
  let hasTried = false;
  const attempt = async (): Promise<Passkey | undefined> => {
    const isRepeated = hasTried;
    hasTried = true;
    try {
      return await ask(daemon, passkeyAdd, title, async () => ({
        requestId,
        name,
        ...key,
        ...(await keyCredentials(daemon, draft)),
        useNow,
      }));
    } catch (error) {
      // A daemon that ended after it had added the passkey: the name is taken, by one that opens with this very key.
      if (!isRepeated || !HoldfastError.is(error, 'nameTaken')) throw error;
      return await daemon.call(passkeyVerify, { passkey: name, access: key.access, ...(await keyCredentials(daemon, draft)) });
    }
  };
  try {
    return await vscode.window.withProgress(
      { location: vscode.ProgressLocation.Notification, title: vscode.l10n.t('Wrapping with {0}', plainText(shownTarget(key.target))) },
      () => whileUnlocked(services, attempt),
    );
  } catch (error) {
    const problem = asHoldfastError(error);
    return problem.code === 'cancelled' ? undefined : problem;
  }
}
