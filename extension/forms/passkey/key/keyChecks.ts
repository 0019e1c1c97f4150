import { l10n } from 'vscode';
import type { PasskeyCheck } from '../../../../protocol/methods/passkeys.ts';
import type { Choice } from '../../quickInputs.ts';
import { twoLines } from '../../sentences.ts';

const order: readonly PasskeyCheck['result'][] = ['failed', 'warning', 'notChecked', 'passed'];
const icons: Readonly<Record<PasskeyCheck['result'], string>> = {
  passed: 'pass',
  warning: 'warning',
  failed: 'error',
  notChecked: 'circle-slash',
};

/** One sentence over all checks of a key. */
export function keyVerdict(checks: readonly PasskeyCheck[]): string {
  const failed = checks.filter(({ result }) => result === 'failed').length;
  const warned = checks.filter(({ result }) => result === 'warning').length;
  if (failed > 0) return l10n.t('{0} of {1} checks failed', failed, checks.length);
  if (warned > 0) return l10n.t('{0} of {1} checks need a look', warned, checks.length);
  return l10n.t('all {0} checks passed', checks.length);
}

/** Whether the key will do. */
export function isGoodKey(checks: readonly PasskeyCheck[]): boolean {
  return checks.every(({ result }) => result === 'passed' || result === 'warning');
}

/** Every check with what was found, the worst first, and behind each that did not pass its way out. */
export function keyCheckChoices<Value>(checks: readonly PasskeyCheck[], value: Value): readonly Choice<Value>[] {
  const words: Readonly<Record<PasskeyCheck['result'], string>> = {
    passed: l10n.t('passed'),
    warning: l10n.t('needs a look'),
    failed: l10n.t('failed'),
    notChecked: l10n.t('not looked at'),
  };
  const worstFirst = checks.toSorted((left, right) => order.indexOf(left.result) - order.indexOf(right.result));
  return worstFirst.flatMap(({ check, result, detail, fix }) => [
    { label: sentence(check), description: words[result], detail: sentence(detail), icon: icons[result], value },
    ...(fix === null || result === 'passed' ? [] : [{ ...twoLines(fix), icon: 'lightbulb', value }]),
  ]);
}

/** Details of failures are clauses. */
function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
