import { l10n } from 'vscode';
import { escaped } from '../../client/shown/text.ts';
import { HoldfastError, type ErrorCode } from '../../protocol/errors.ts';
import { asHoldfastError } from '../connection/asHoldfastError.ts';
import { Row, rowColors } from './row.ts';

/** States of the daemon that the welcome texts speak of: below them a tree is empty. */
const states: readonly ErrorCode[] = ['locked', 'notSetUp', 'daemonNotRunning', 'daemonEnded'];

/** In the place of rows that could not be listed: one that says why and names the way out. `parentId` is empty at the top of a tree. */
export function failureRow(parentId: string, thrown: unknown): readonly Row[] {
  if (HoldfastError.is(thrown, ...states)) return [];
  const { message, fix } = asHoldfastError(thrown);
  const sentence = escaped(message);
  const wayOut = fix === undefined ? l10n.t('Refresh tries again.') : escaped(fix);
  return [
    new Row({
      id: `${parentId}#failure`,
      label: sentence,
      description: wayOut,
      icon: { name: 'error', color: rowColors.error },
      tooltip: [
        [l10n.t('Error'), sentence],
        [l10n.t('Way out'), wayOut],
      ],
      accessibleLabel: `${sentence} ${wayOut}`,
      context: ['failure'],
    }),
  ];
}
