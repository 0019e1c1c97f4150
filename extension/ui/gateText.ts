import { l10n } from 'vscode';
import type { PasskeyGate } from '../../protocol/methods/passkeys.ts';
import { plainText } from './plainText.ts';
import { fullTime } from './shownTime.ts';

/** From when a passkey can go, as a sentence. */
export function gateVerdict({ allowed, from, begins }: PasskeyGate, name: string): string {
  if (allowed) return l10n.t('{0} can be retired now.', name);
  if (begins) return l10n.t('{0} can not be retired yet. From when on it can is known once its retirement has begun.', name);
  return from === null
    ? l10n.t('{0} can not be retired, and waiting does not help: somebody has to act.', name)
    : l10n.t('{0} can be retired from {1} on.', name, fullTime(from));
}

/** What still needs a passkey, a line each. */
export function gateReasons(reasons: PasskeyGate['reasons']): readonly string[] {
  return reasons.map(({ what, until }) => {
    const clause = `${what.charAt(0).toUpperCase()}${what.slice(1)}`;
    return until === null ? `${clause}.` : l10n.t('{0}, until {1}.', clause, fullTime(until));
  });
}

/** What opens the backups once it is gone, as sentences. */
export function othersText({ others, waysIn }: PasskeyGate): readonly string[] {
  const names = l10n.t('What opens the backups then: {0}.', others.map((name) => plainText(name)).join(', '));
  if (waysIn > 1) return [names];
  return [
    names,
    others.length === 1
      ? l10n.t('Only that one would be left: whoever loses it loses everything.')
      : l10n.t('All of these are of one key outside: whoever loses that loses everything.'),
  ];
}

/** What no rotation ends, only time, and why that can not be told; `undefined` where there is nothing. */
export function leakText({ opensKeyringsUntil, notes }: PasskeyGate): string | undefined {
  const until =
    opensKeyringsUntil === null
      ? []
      : [
          l10n.t(
            'Locked keyrings hold it until {0}: until then, who has its old secret or key can open those.',
            fullTime(opensKeyringsUntil),
          ),
        ];
  const sentences = [...until, ...notes];
  return sentences.length === 0 ? undefined : sentences.join(' ');
}
