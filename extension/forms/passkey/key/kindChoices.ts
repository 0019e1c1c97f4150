import { l10n } from 'vscode';
import type { ServiceKind } from '../../../../protocol/keyServices.ts';
import type { Choice } from '../../quickInputs.ts';

/** The kinds of keys that lie outside, as the first question of a form offers them. */
export function outsideChoices(): readonly Choice<ServiceKind>[] {
  return [
    {
      label: 'AWS KMS',
      detail: l10n.t('A key at AWS: the daemon unlocks itself with rights that you can take away. Nobody has to remember anything.'),
      icon: 'cloud',
      value: 'awsKms',
    },
    {
      label: l10n.t('HashiCorp Vault or OpenBao'),
      detail: l10n.t('A key of the transit engine: the daemon unlocks itself with a login that you can take away.'),
      icon: 'server',
      value: 'vaultTransit',
    },
  ];
}
