import type { ActionWithResult } from '../protocol/methods/actions.ts';
import { type BackupDocument, backupDocument } from '../protocol/methods/backups.ts';
import { garbageDocument } from '../protocol/methods/garbage.ts';
import { importDocument } from '../protocol/methods/recovery.ts';
import { verifyDocument } from '../protocol/methods/restorePoints.ts';
import { restoreDocument } from '../protocol/methods/restores.ts';
import { besideCommands } from '../client/shown/saidByCommands.ts';
import { findingLines, noteLines, warningLines } from './findingLines.ts';
import type { Style } from './output/style.ts';
import { processLines } from './processLines.ts';

/** What a run leaves to be looked at: each thing once, commands that failed with the end of what they said. */
export function backupReport(document: BackupDocument, style: Style): string[] {
  const { skipped, skippedCount, warnings, warningsCount, commands } = document;
  const others = besideCommands(skipped, commands);
  return [
    ...warningLines(warnings, warningsCount, style),
    ...findingLines(others, skippedCount - (skipped.length - others.length), 'skipped', style),
    ...processLines(document, style),
  ];
}

/** What an action leaves to be looked at, as far as its result holds it; nothing while it runs, and of work on locks, whose error says it. */
export function reportOf({ kind, result }: ActionWithResult, style: Style): string[] {
  switch (kind) {
    case 'backup': {
      const { data } = backupDocument.safeParse(result);
      return data === undefined ? [] : backupReport(data, style);
    }
    case 'restore': {
      const { data } = restoreDocument.safeParse(result);
      if (data === undefined) return [];
      return [
        ...findingLines(data.damaged, data.damagedCount, 'damaged', style),
        ...warningLines(data.warnings, data.warningsCount, style),
        ...findingLines(data.skipped, data.skippedCount, 'skipped', style),
      ];
    }
    case 'verify': {
      const { data } = verifyDocument.safeParse(result);
      return data === undefined
        ? []
        : [...findingLines(data.damaged, data.damagedCount, 'damaged', style), ...noteLines(data.notes, style)];
    }
    case 'importStored': {
      const { data } = importDocument.safeParse(result);
      return data === undefined ? [] : findingLines(data.damaged, data.damagedCount, 'damaged', style);
    }
    case 'collectGarbage': {
      const { data } = garbageDocument.safeParse(result);
      if (data === undefined) return [];
      const reasons = data.stopped.map(({ policy, reason }) => `${policy}: ${reason}`);
      return warningLines(reasons, reasons.length, style);
    }
    case 'refreshLocks':
    case 'auditLocks':
    case 'proveLock':
    case 'rotatePasskey':
    case 'recoveryBackup':
      return [];
  }
}
