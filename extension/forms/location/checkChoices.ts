import { l10n } from 'vscode';
import { plainText } from '../../ui/plainText.ts';
import type { LocationCheck } from '../../../protocol/methods/locations.ts';
import type { Choice } from '../quickInputs.ts';
import { twoLines } from '../sentences.ts';

/** One sentence over all checks of a place. */
export function verdictOf(checks: readonly LocationCheck[]): string {
  const failed = checks.filter(({ result }) => result === 'fail').length;
  const warned = checks.filter(({ result }) => result === 'warn').length;
  if (failed > 0) return l10n.t('{0} of {1} checks failed', failed, checks.length);
  if (warned > 0) return l10n.t('{0} of {1} checks need a look', warned, checks.length);
  return l10n.t('all {0} checks passed', checks.length);
}

const order: readonly LocationCheck['result'][] = ['fail', 'warn', 'pass'];
const icons: Readonly<Record<LocationCheck['result'], string>> = { pass: 'pass', fail: 'error', warn: 'warning' };

/** Every check with what was found, the worst first, and behind each that did not pass its way out. */
export function checkChoices<Value>(checks: readonly LocationCheck[], value: Value): readonly Choice<Value>[] {
  const words: Readonly<Record<LocationCheck['result'], string>> = {
    pass: l10n.t('passed'),
    fail: l10n.t('failed'),
    warn: l10n.t('needs a look'),
  };
  const worstFirst = checks.toSorted((left, right) => order.indexOf(left.result) - order.indexOf(right.result));
  return worstFirst.flatMap(({ check, result, detail, fix }) => [
    { label: spaced(check), description: words[result], detail, icon: icons[result], value },
    ...(fix === null || result === 'pass' ? [] : [{ ...twoLines(fix), icon: 'lightbulb', value }]),
  ]);
}

/** `otherDisk` as people write it. */
function spaced(check: string): string {
  const words = plainText(check)
    .replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ')
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
