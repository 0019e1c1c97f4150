import { HoldfastError } from '../../../protocol/errors.ts';
import type { Page } from '../../../protocol/method.ts';
import { pageItems } from '../../../protocol/method.ts';
import {
  type PathChange,
  type RestorePointDiffParams,
  restorePointCat,
  restorePointDiff,
  restorePointDump,
  restorePointFileHistory,
  restorePointFiles,
  restorePointList,
  restorePointPolicies,
  restorePointRetire,
  restorePointShow,
  restorePointStat,
  restorePointVerify,
} from '../../../protocol/methods/restorePoints.ts';
import { restoreStart } from '../../../protocol/methods/restores.ts';
import type { ActionQueue } from '../../actions/actionQueue.ts';
import { parsePolicyDefinition } from '../../catalog/policyDefinition.ts';
import type { RestorePointRecord } from '../../catalog/restorePointStore.ts';
import type { Installation } from '../../installation/installation.ts';
import { positionOf } from '../../installation/pageOfArray.ts';
import { fileHistory } from '../../policies/fileHistory.ts';
import type { OpenRestorePoints } from '../../policies/openRestorePoints.ts';
import { AnswerRoom } from '../../policies/answerRoom.ts';
import { RestorePointContents } from '../../policies/restorePointContents.ts';
import { diffRestorePoints } from '../../policies/restorePointDiff.ts';
import type { RestorePointService } from '../../policies/restorePointService.ts';
import type { RestoreService } from '../../policies/restoreService.ts';
import { diffWithSource } from '../../policies/sourceDiff.ts';
import { dumpTar } from '../../policies/tarDump.ts';
import type { VerifyService } from '../../policies/verifyService.ts';
import { type BoundHandler, handlerOf } from '../handler.ts';
import { pinHandlers } from './pinHandlers.ts';

export interface RestorePointServices {
  readonly installation: Installation;
  readonly queue: ActionQueue;
  readonly points: RestorePointService;
  readonly open: OpenRestorePoints;
  readonly restores: RestoreService;
  readonly verifies: VerifyService;
}

export function restorePointHandlers(services: RestorePointServices): readonly (readonly [string, BoundHandler])[] {
  const { points, open, queue, restores, verifies, installation } = services;
  const contentsOf = async (record: RestorePointRecord, signal: AbortSignal): Promise<RestorePointContents> =>
    new RestorePointContents((await open.open(record, signal)).reader);
  return [
    handlerOf(restorePointList, async (params) => points.list(params)),
    handlerOf(restorePointPolicies, async (params) => points.policies(params)),
    handlerOf(restorePointShow, async ({ restorePoint }) => points.describe(points.resolve(restorePoint))),
    handlerOf(restorePointFiles, async (params, { signal }) =>
      (await contentsOf(points.resolve(params.restorePoint), signal)).files(params, signal),
    ),
    handlerOf(restorePointStat, async ({ restorePoint, path }, { signal }) =>
      (await contentsOf(points.resolve(restorePoint), signal)).stat(path, signal),
    ),
    handlerOf(restorePointCat, async ({ restorePoint, path }, { signal, openStream }) => {
      const contents = await contentsOf(points.resolve(restorePoint), signal);
      const located = await contents.locate(path, signal);
      if (located === undefined || (located.entry.kind !== 'file' && located.entry.kind !== 'stream')) {
        const { id, title } = contents.restorePoint;
        throw HoldfastError.failedTo('badValue', `print ${JSON.stringify(path)} of ${title}`, 'it is not a file', {
          fix: `"holdfast restore-point files ${id}" lists folders, "dump" takes them as an archive.`,
        });
      }
      return openStream(async (sink) => {
        for await (const piece of contents.reader.readFile(located.entry, { signal: sink.signal })) await sink.write(piece);
      });
    }),
    handlerOf(restorePointDump, async ({ restorePoint, path }, { signal, openStream }) => {
      const contents = await contentsOf(points.resolve(restorePoint), signal);
      // A path that is not there is an error of the request, not of the stream.
      await contents.locate(path ?? '', signal);
      return openStream((sink) => dumpTar(contents, path ?? '', (bytes) => sink.write(bytes), sink.signal));
    }),
    handlerOf(restorePointDiff, (params, { signal }) => diffPage(services, params, signal)),
    handlerOf(restorePointVerify, async ({ requestId, restorePoint, readData }) => {
      const record = points.resolve(restorePoint);
      const action = queue.submit({
        kind: 'verify',
        subject: record.id,
        requestId,
        lanes: [`restorePoint:${record.id}`],
        work: (run) => verifies.run(record, readData, run),
      });
      return { actionId: action.actionId };
    }),
    handlerOf(restorePointRetire, {
      rule: async ({ restorePoint, confirmed }) => void points.checkRetire(restorePoint, confirmed),
      run: async ({ restorePoint, confirmed }) => points.retire(restorePoint, confirmed),
    }),
    ...pinHandlers(points),
    handlerOf(restorePointFileHistory, (params, { signal }) => fileHistory(installation.catalog, open, params, signal)),
    handlerOf(restoreStart, async (params, { signal }) => {
      const record = points.resolve(params.restorePoint);
      await restores.check(record, params, signal);
      const action = queue.submit({
        kind: 'restore',
        subject: record.id,
        requestId: params.requestId,
        lanes: [`target:${params.target ?? record.policyId}`],
        work: (run) => restores.run(record, params, run),
      });
      return { actionId: action.actionId };
    }),
  ];
}

async function diffPage(services: RestorePointServices, params: RestorePointDiffParams, signal: AbortSignal): Promise<Page<PathChange>> {
  const from = positionOf(params.after);
  const limit = params.limit ?? pageItems;
  const items: PathChange[] = [];
  const room = new AnswerRoom(limit);
  let position = 0;
  for await (const change of await changesOf(services, params, signal)) {
    position += 1;
    if (position <= from) continue;
    if (!room.takes(change)) return { items, next: String(position - 1) };
    items.push(change);
  }
  return { items, next: null };
}

async function changesOf(
  { points, open, installation }: RestorePointServices,
  params: RestorePointDiffParams,
  signal: AbortSignal,
): Promise<AsyncIterable<PathChange>> {
  const { catalog, ownFolders } = installation;
  const record = points.resolve(params.restorePoint);
  const contents = new RestorePointContents((await open.open(record, signal)).reader);
  switch (params.against) {
    case 'source': {
      const definition = parsePolicyDefinition(catalog.policies.get(record.policyId)?.definition);
      return diffWithSource(contents, definition, ownFolders, signal);
    }
    case 'previous': {
      const previous = catalog.restorePoints.live(record.policyId).findLast((candidate) => candidate.sequence < record.sequence);
      if (previous === undefined) {
        throw new HoldfastError('unknownName', 'Failed to compare: there is no restore point before this one.', {
          fix: 'Name another restore point, or say --with-source.',
        });
      }
      return diffRestorePoints(new RestorePointContents((await open.open(previous, signal)).reader), contents, signal);
    }
    case 'other': {
      if (params.other === undefined) throw new HoldfastError('badValue', 'Failed to compare: the other restore point is missing.');
      const other = new RestorePointContents((await open.open(points.resolve(params.other), signal)).reader);
      return diffRestorePoints(contents, other, signal);
    }
  }
}
