import { l10n } from 'vscode';
import { number } from '../../client/shown/units.ts';
import type { Pages } from './pages.ts';
import { Row } from './row.ts';

/** Behind the rows of a list that was not fetched whole: Enter fetches the next page. */
export function moreRow<Item>(parentId: string, pages: Pages<Item>, shown: number): readonly Row[] {
  if (!pages.hasMore) return [];
  const id = `${parentId}#more`;
  const label = l10n.t('Show more…');
  const description = l10n.t('{0} are shown', number(shown));
  return [
    new Row({
      id,
      label,
      description,
      icon: { name: 'ellipsis' },
      accessibleLabel: `${label}, ${description}`,
      context: ['more'],
      opens: { command: 'holdfast.showMore', title: label, args: [id] },
      more: () => pages.more(),
    }),
  ];
}
