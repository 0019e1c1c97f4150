import { on } from 'node:events';
import { existsSync, renameSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type MessagePort, parentPort } from 'node:worker_threads';
import { HoldfastError } from '../../../protocol/errors.ts';
import { AuditStore } from '../auditStore.ts';
import { Connection } from '../connection.ts';
import { migrations } from '../schema.ts';
import { copyIdentity, frozenUri, openCopy } from './copyFile.ts';
import { compressCopy } from './copyFrame.ts';
import type { CopyThreadData, FromCopyThread, MadeCopy, MakeJob, RebuildJob, ToCopyThread } from './copyMessages.ts';
import { sentError } from './copyMessages.ts';
import { applyDelta, writeDelta } from './deltas.ts';
import { packsOf } from './packBatch.ts';
import { CatalogRebuild } from './rebuildCatalog.ts';
import { writeCopy } from './writeCopy.ts';

/** The body of a worker thread with the role `catalogCopy`: SQLite blocks whoever asks it, and a copy of a large catalog takes seconds. */
export async function runCopyThread({ job }: CopyThreadData): Promise<void> {
  if (parentPort === null) throw new TypeError('not started as a thread');
  const port = parentPort;
  const send = (message: FromCopyThread): void => port.postMessage(message);
  try {
    if (job.what === 'make') send({ kind: 'made', made: await make(job) });
    else await rebuild(job, send, messagesOf(port));
  } catch (error) {
    send({ kind: 'failed', error: sentError(error) });
  } finally {
    port.close();
  }
}

async function make({ catalogPath, basePath, copyPath, framePath, scratch }: MakeJob): Promise<MadeCopy> {
  const [later, deltaPath, frame] = [path.join(scratch, 'copy'), path.join(scratch, 'delta'), path.join(scratch, 'frame')];
  const { schemaVersion, leftOutPacks } = writeCopy({ catalogPath, copyPath: later });
  const { copyId } = copyIdentity(later);
  const contents = contentsOf(later);
  const baseId = basePath === null ? undefined : readableIdentity(basePath);
  const isDelta = basePath !== null && baseId !== undefined && writeDelta({ basePath, laterPath: later, deltaPath }) !== undefined;
  const facts = await compressCopy(isDelta ? deltaPath : later, frame);
  renameSync(frame, framePath);
  if (!isDelta) renameSync(later, copyPath);
  return {
    kind: isDelta ? 'delta' : 'full',
    copyId: hexOf(copyId),
    baseId: isDelta ? hexOf(baseId) : null,
    schemaVersion,
    leftOutPacks,
    ...contents,
    frame: facts,
  };
}

/** What a bundle says of its catalog in JSON, as this very copy has it. */
function contentsOf(copyPath: string): Pick<MadeCopy, 'restorePoints' | 'audit'> {
  using database = new DatabaseSync(frozenUri(copyPath), { readOnly: true });
  const live = database.prepare("SELECT count(*) AS number FROM restorePoints WHERE state = 'live'").get();
  return { restorePoints: Number(live?.['number'] ?? 0), audit: new AuditStore(new Connection(database)).head() ?? null };
}

/** A base that is gone or damaged is no reason not to make a bundle. */
function readableIdentity(basePath: string): Uint8Array | undefined {
  try {
    return openedIdentity(basePath);
  } catch (error) {
    if (HoldfastError.is(error, 'catalogDamaged', 'catalogNewer', 'diskFailed')) return undefined;
    throw error;
  }
}

function openedIdentity(basePath: string): Uint8Array | undefined {
  if (!existsSync(basePath)) return undefined;
  using base = openCopy(basePath, 'full', migrations);
  return base.identity.copyId;
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

async function rebuild(
  { copyPath, deltaPath, catalogPath, recordedAt, scratch }: RebuildJob,
  send: (message: FromCopyThread) => void,
  messages: AsyncIterable<ToCopyThread>,
): Promise<void> {
  const merged = deltaPath === null ? copyPath : path.join(scratch, 'merged');
  if (deltaPath !== null) applyDelta({ basePath: copyPath, deltaPath, copyPath: merged });
  const work = new CatalogRebuild({ copyPath: merged, catalogPath, scratch });
  const { expectedPacks } = work;
  send({ kind: 'more', expectedPacks });
  for await (const { packs } of messages) {
    if (packs === null) break;
    work.name(packsOf(packs));
    send({ kind: 'more', expectedPacks });
  }
  send({ kind: 'rebuilt', facts: work.finish(recordedAt) });
}

async function* messagesOf(port: MessagePort): AsyncGenerator<ToCopyThread> {
  for await (const [message] of on(port, 'message')) {
    const told: unknown = message;
    if (!isToCopyThread(told)) throw new TypeError('not a message to a copy thread');
    yield told;
  }
}

function isToCopyThread(message: unknown): message is ToCopyThread {
  return typeof message === 'object' && message !== null && 'packs' in message;
}
