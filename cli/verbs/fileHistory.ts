import { type Change, restorePointFileHistory } from '../../protocol/methods/restorePoints.ts';
import { nameProblem } from '../../protocol/methods/values.ts';
import type { Call } from '../call.ts';
import { table } from '../output/table.ts';
import { escaped } from '../../client/shown/text.ts';
import { moment, shortId, size } from '../../client/shown/units.ts';
import type { Result } from '../result.ts';
import type { Session } from '../session.ts';

const words: Readonly<Record<Change, string>> = {
  added: 'added',
  removed: 'removed',
  modified: 'modified',
  metadata: 'metadata changed',
  kind: 'became something else',
};

export async function fileHistory(call: Call, session: Session): Promise<Result> {
  const typed = call.argument('PATH');
  const path = session.resolvePath(typed);
  const isName = nameProblem(typed) === undefined;
  const versions = await session.list(restorePointFileHistory, { path, ...(isName ? { command: typed } : {}) });
  const { style, host } = session;
  const now = host.now();
  const columns = [{ title: 'RESTORE POINT' }, { title: 'TIME' }, { title: 'SIZE', align: 'right' as const }, { title: 'CHANGE' }];
  const rows = versions.map((version) => [
    style.bold(shortId(version.restorePointId)),
    moment(version.time, now),
    version.size === null ? '-' : size(version.size),
    words[version.change],
  ]);
  const lines = versions.length === 0 ? [`No restore point has ${escaped(path)}.`] : table(columns, rows, (text) => style.dim(text));
  return { document: versions, lines };
}
