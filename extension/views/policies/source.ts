import { l10n } from 'vscode';
import { escaped } from '../../../client/shown/text.ts';
import type { PolicySource } from '../../../protocol/methods/policies.ts';
import { Row } from '../row.ts';

/** What a policy protects: a folder, or what a command prints. */
export function sourceRow(source: PolicySource): Row {
  const { sourceId: id } = source;
  switch (source.kind) {
    case 'folder': {
      const label = escaped(source.path);
      return new Row({
        id,
        label,
        icon: { name: 'folder' },
        tooltip: [[l10n.t('Folder'), label]],
        accessibleLabel: l10n.t('Source, folder {0}', label),
        context: ['source', 'folder'],
      });
    }
    case 'command': {
      const label = escaped(source.name);
      const description = escaped(source.command);
      return new Row({
        id,
        label,
        description,
        icon: { name: 'terminal' },
        tooltip: [
          [l10n.t('Output of a command'), label],
          [l10n.t('Command'), description],
        ],
        accessibleLabel: l10n.t('Source, output of the command {0}: {1}', label, description),
        context: ['source', 'command'],
      });
    }
  }
}
