import { l10n } from 'vscode';
import { escaped } from '../../../../client/shown/text.ts';
import type { Passkey } from '../../../../protocol/methods/passkeys.ts';

/** What a rotation of a key outside does, before it is done: a sentence for each step. */
export function whatHappens({ kind, reference, name }: Pick<Passkey, 'kind' | 'reference' | 'name'>): readonly string[] {
  const last = l10n.t(
    'The new passkey is verified, takes the name {0} and is in use; the old one opens the backups until you retire it.',
    name,
  );
  if (kind === 'vaultTransit') {
    return [
      l10n.t(
        'The key {0}/{1} gets its next version in Vault, unless somebody rotated it already: it is at {2} here.',
        text(reference['mount']),
        text(reference['key']),
        text(reference['version']),
      ),
      l10n.t('The master key is wrapped with that version.'),
      last,
    ];
  }
  const alias = reference['alias'];
  return [
    l10n.t('Where the KMS key rotates by itself, nothing is needed but to wrap the master key anew with its newest material.'),
    typeof alias === 'string'
      ? l10n.t(
          'Otherwise the next key is made with the same policy, {0} is moved to it, and the master key is wrapped with it.',
          escaped(alias),
        )
      : l10n.t('Otherwise the next key is made with the same policy, and the master key is wrapped with it.'),
    last,
  ];
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? escaped(String(value)) : '?';
}
