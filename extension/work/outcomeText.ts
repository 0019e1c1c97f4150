import { l10n } from 'vscode';
import { escaped } from '../../client/shown/text.ts';
import { counted, duration, shortId, size } from '../../client/shown/units.ts';
import type { ActionKind, ActionWithResult } from '../../protocol/methods/actions.ts';
import { backupDocument } from '../../protocol/methods/backups.ts';
import { garbageDocument } from '../../protocol/methods/garbage.ts';
import { auditDocument, lockProofDocument, refreshDocument } from '../../protocol/methods/immutability.ts';
import { verifyDocument } from '../../protocol/methods/restorePoints.ts';
import { restoreDocument } from '../../protocol/methods/restores.ts';

/** What an action is called, with what it works on. Kinds of a newer daemon are called by their own word. */
export function actionTitle(kind: ActionKind | (string & {}), subject: string): string {
  const name = escaped(subject);
  switch (kind) {
    case 'backup':
      return l10n.t('Backup of {0}', name);
    case 'restore':
      return l10n.t('Restore of {0}', shortId(name));
    case 'verify':
      return l10n.t('Verification of {0}', shortId(name));
    case 'importStored':
      return l10n.t('Import of what is stored');
    case 'collectGarbage':
      return l10n.t('Garbage collection of {0}', name);
    case 'refreshLocks':
      return l10n.t('Refresh of the locks of {0}', name);
    case 'auditLocks':
      return l10n.t('Audit of {0}', name);
    case 'proveLock':
      return l10n.t('Lock proof of {0}', name);
    case 'rotatePasskey':
      return l10n.t('Rotation of {0}', name);
    case 'recoveryBackup':
      return l10n.t('Backup of the catalog to {0}', name);
    default:
      return `${kind} ${name}`;
  }
}

/** One sentence about an action that has ended well, or with warnings. */
export function outcomeSentence({ kind, subject, result }: ActionWithResult): string {
  const title = actionTitle(kind, subject);
  const backup = backupDocument.safeParse(result);
  if (backup.success) {
    const { files, addedBytes, seconds } = backup.data;
    return l10n.t('{0}: {1}, {2} added, {3}', title, counted(files, 'file'), size(addedBytes), duration(seconds));
  }
  const restored = restoreDocument.safeParse(result);
  if (restored.success) {
    const { files, bytes, seconds } = restored.data;
    return l10n.t('{0}: {1}, {2}, {3}', title, counted(files, 'file'), size(bytes), duration(seconds));
  }
  const verified = verifyDocument.safeParse(result);
  if (verified.success) {
    const { ok, checkedObjects, checkedBytes } = verified.data;
    const checked = l10n.t('{0} checked, {1}', counted(checkedObjects, 'object'), size(checkedBytes));
    return ok ? l10n.t('{0}: {1}, nothing is damaged', title, checked) : l10n.t('{0}: {1}, something is damaged', title, checked);
  }
  const collected = garbageDocument.safeParse(result);
  if (collected.success) {
    const { freedBytes, waiting } = collected.data;
    const freed = l10n.t('{0}: {1} freed', title, size(freedBytes));
    const waitingBytes = waiting.reduce((sum, { bytes }) => sum + bytes, 0);
    return waitingBytes === 0 ? freed : l10n.t('{0}, {1} go later', freed, size(waitingBytes));
  }
  return immutabilitySentence(title, result) ?? l10n.t('{0}: done', title);
}

function immutabilitySentence(title: string, result: ActionWithResult['result']): string | undefined {
  const refreshed = refreshDocument.safeParse(result);
  if (refreshed.success) {
    const { extended } = refreshed.data;
    return extended === 0 ? l10n.t('{0}: no lock was too short', title) : l10n.t('{0}: {1} extended', title, counted(extended, 'lock'));
  }
  const audited = auditDocument.safeParse(result);
  if (audited.success) {
    const { findingsCount, versions } = audited.data;
    const looked = counted(versions, 'version');
    return findingsCount === 0
      ? l10n.t('{0}: {1}, all as it was put', title, looked)
      : l10n.t('{0}: {1}, {2}', title, looked, counted(findingsCount, 'finding'));
  }
  const proved = lockProofDocument.safeParse(result);
  if (!proved.success) return undefined;
  const { verdict, attempts } = proved.data;
  return verdict === 'enforced'
    ? l10n.t('{0}: proved, by {1}', title, counted(attempts.length, 'attempt'))
    : l10n.t('{0}: not proved', title);
}
