import { type Conflict, type RestoreDocument, restoreDocument, restoreStart } from '../../protocol/methods/restores.ts';
import { exitStatusOf } from '../../protocol/errors.ts';
import type { ActionWithResult } from '../../protocol/methods/actions.ts';
import type { Call } from '../call.ts';
import { findingLines, warningLines, wayOutLines } from '../findingLines.ts';
import { reference } from '../names.ts';
import { allFindings, documentOfAction, errorOfAction, printsDocument, statusOfAction } from '../outcome.ts';
import { escaped } from '../../client/shown/text.ts';
import { counted, duration, size } from '../../client/shown/units.ts';
import type { Result } from '../result.ts';
import type { Session } from '../session.ts';
import { finish } from '../finish.ts';

export async function restore(call: Call, session: Session): Promise<Result> {
  const restorePoint = reference('restore point', call.argument('ID'));
  const typedTarget = call.text('--target');
  const isInPlace = call.isOn('--in-place');
  if (typedTarget === undefined && !isInPlace) throw call.problem('it is not said where to', 'Give --target DIR, or --in-place.');
  if (typedTarget !== undefined && isInPlace) throw call.problem('--target and --in-place exclude each other', 'Leave one of them out.');
  const target = typedTarget === undefined ? null : session.resolvePath(typedTarget);
  const dryRun = call.isOn('--dry-run');
  await session.heedInterrupts();
  const { actionId } = await session.ask(restoreStart, () => ({
    requestId: session.host.uuid(),
    restorePoint,
    target,
    paths: call.texts('--path') ?? [],
    conflict: conflictOf(call),
    dryRun,
  }));
  return await finish(session, { actionId, label: `Restoring ${restorePoint}` }, (action) => resultOf(action, session, target, dryRun));
}

function conflictOf(call: Call): Conflict {
  const typed = call.text('--conflict') ?? 'refuse';
  const known: readonly Conflict[] = ['refuse', 'skip', 'overwrite', 'rename'];
  const found = known.find((conflict) => conflict === typed);
  if (found === undefined) throw call.problem(`--conflict is one of ${known.join(', ')}`);
  return found;
}

async function resultOf(action: ActionWithResult, session: Session, target: string | null, dryRun: boolean): Promise<Result> {
  const status = statusOfAction(action);
  if (!printsDocument(status)) throw errorOfAction(action);
  const inline = documentOfAction(action, restoreDocument);
  const document: RestoreDocument = {
    ...inline,
    skipped: await allFindings(session, action, 'skipped', inline.skipped, inline.skippedCount),
    damaged: await allFindings(session, action, 'damaged', inline.damaged, inline.damagedCount),
  };
  const { files, bytes, seconds, skipped, skippedCount, warnings, warningsCount, damaged, damagedCount } = document;
  const { style } = session;
  const where = target === null ? 'in place' : `to ${escaped(target)}`;
  const verb = dryRun ? 'Would restore' : 'Restored';
  return {
    document,
    lines: [
      `${verb} ${counted(files, 'file')}, ${size(bytes)}, ${where} in ${duration(seconds)}.`,
      ...findingLines(damaged, damagedCount, 'damaged', style),
      ...warningLines(warnings, warningsCount, style),
      ...findingLines(skipped, skippedCount, 'skipped', style),
      ...wayOutLines(action),
    ],
    exitStatus: damagedCount > 0 ? exitStatusOf.damaged : status,
  };
}
