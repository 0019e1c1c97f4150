import * as vscode from 'vscode';
import { escaped } from '../../client/shown/text.ts';
import { stamp } from '../../client/shown/units.ts';
import { type Passkey, passkeyList } from '../../protocol/methods/passkeys.ts';
import type { DaemonService } from '../connection/daemonService.ts';
import { listAll } from '../connection/listAll.ts';
import { Row } from './row.ts';
import type { RowSource } from './rowTree.ts';

/** The passkeys of the installation. Shown while the daemon is locked too. */
export class PasskeyRows implements RowSource {
  readonly #daemon: DaemonService;

  constructor(daemon: DaemonService) {
    this.#daemon = daemon;
  }

  async roots(): Promise<readonly Row[]> {
    const { status } = this.#daemon.health;
    if (status === undefined || status.state === 'notSetUp') return [];
    const passkeys = await listAll(this.#daemon, passkeyList, {});
    return passkeys.filter(({ state }) => state !== 'retired').map(passkeyRow);
  }
}

const kinds: Readonly<Record<Passkey['kind'], string>> = {
  passphrase: vscode.l10n.t('passphrase'),
  awsKms: 'AWS KMS',
  vaultTransit: 'Vault Transit',
};

export function passkeyRow(passkey: Passkey): Row {
  const name = escaped(passkey.name);
  const verified =
    passkey.verifiedAt === null ? vscode.l10n.t('not verified yet') : vscode.l10n.t('verified {0}', stamp(new Date(passkey.verifiedAt)));
  const description = [kinds[passkey.kind], ...(passkey.inUse ? [vscode.l10n.t('in use')] : []), verified].join(' · ');
  const isFailing = passkey.state === 'failing';
  return new Row({
    id: passkey.slotId,
    label: name,
    description,
    icon: isFailing ? { name: 'warning', color: 'list.warningForeground' } : { name: passkey.inUse ? 'key' : 'circle-outline' },
    tooltip: [
      [vscode.l10n.t('Passkey'), name],
      [vscode.l10n.t('Kind'), kinds[passkey.kind]],
      [vscode.l10n.t('Created'), stamp(new Date(passkey.createdAt))],
      [vscode.l10n.t('State'), isFailing ? vscode.l10n.t('failing') : verified],
      ...passkey.warnings.map((warning): readonly [string, string] => [vscode.l10n.t('Warning'), escaped(warning)]),
    ],
    accessibleLabel: `${name}, ${description}`,
    context: ['passkey', passkey.kind, ...(passkey.inUse ? ['inUse'] : []), passkey.state],
    subject: { kind: 'passkey', id: passkey.slotId, name: passkey.name },
  });
}
