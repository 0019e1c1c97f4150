import { l10n } from 'vscode';
import { escaped } from '../../../client/shown/text.ts';
import { size } from '../../../client/shown/units.ts';
import type { Entry, EntryKind } from '../../../protocol/methods/restorePoints.ts';
import { fullTime } from '../../ui/shownTime.ts';
import { Row } from '../row.ts';

/** Longer names are shown by their beginning; the whole stands in the tooltip. */
const labelLength = 300;

/** What is in a folder of a restore point. `children` is asked for folders alone. */
export function entryRow(restorePointId: string, entry: Entry, children: () => Promise<readonly Row[]>): Row {
  const isFolder = entry.kind === 'dir';
  const name = escaped(entry.path.slice(entry.path.lastIndexOf('/') + 1));
  const kind = kindText(entry.kind);
  const description = descriptionOf(entry, kind);
  return new Row({
    // Two names that are not UTF-8 may look alike.
    id: `${restorePointId}/${entry.pathBytes === null ? entry.path : `?${entry.pathBytes}`}`,
    label: name.length > labelLength ? `${name.slice(0, labelLength)}…`.toWellFormed() : name,
    ...(description === '' ? {} : { description }),
    resource: {
      restorePointId,
      path: entry.path,
      isFolder,
      opens: entry.kind === 'file' || entry.kind === 'stream' || entry.kind === 'link',
    },
    tooltip: [
      [l10n.t('Path'), escaped(entry.path)],
      [l10n.t('Kind'), kind],
      ...(entry.size === null || isFolder ? [] : [[l10n.t('Size'), size(entry.size)] as const]),
      ...(entry.mtime === null ? [] : [[l10n.t('Modified'), fullTime(entry.mtime)] as const]),
      ...(entry.linkTarget === null ? [] : [[l10n.t('Leads to'), escaped(entry.linkTarget)] as const]),
    ],
    accessibleLabel: [name, kind, description].filter((part) => part !== '').join(', '),
    context: ['entry', tagOf(entry.kind)],
    subject: { kind: 'entry', restorePointId, path: entry.path, isFolder },
    ...(isFolder ? { children, keepsChildren: true } : {}),
  });
}

function tagOf(kind: EntryKind): string {
  switch (kind) {
    case 'file':
    case 'stream':
      return 'file';
    case 'dir':
      return 'folder';
    case 'link':
      return 'link';
    case 'fifo':
    case 'socket':
    case 'char':
    case 'block':
      return 'special';
  }
}

function kindText(kind: EntryKind): string {
  switch (kind) {
    case 'file':
      return l10n.t('file');
    case 'stream':
      return l10n.t('output of a command');
    case 'dir':
      return l10n.t('folder');
    case 'link':
      return l10n.t('symbolic link');
    case 'fifo':
      return l10n.t('pipe');
    case 'socket':
      return l10n.t('socket');
    case 'char':
    case 'block':
      return l10n.t('device');
  }
}

function descriptionOf(entry: Entry, kind: string): string {
  switch (entry.kind) {
    case 'dir':
      return '';
    case 'file':
    case 'stream':
      return entry.size === null ? '' : size(entry.size);
    case 'link':
      return entry.linkTarget === null ? '' : `→ ${escaped(entry.linkTarget).slice(0, labelLength)}`;
    case 'fifo':
    case 'socket':
    case 'char':
    case 'block':
      return kind;
  }
}
