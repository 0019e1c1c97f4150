import { workerData } from 'node:worker_threads';
import type { CopyThreadData } from './catalog/copy/copyMessages.ts';
import type { FileWorkerData, WalkerData } from './engine/backup/messages.ts';
import type { PlannerData, RestoreWorkerData } from './engine/restore/messages.ts';
import type { ScryptJob } from './keys/scryptWorker.ts';

/** The one entry of all worker threads: what a thread is for stands in its `workerData`. Each loads what it needs alone, for a run starts several. */
const data: WalkerData | FileWorkerData | PlannerData | RestoreWorkerData | ScryptJob | CopyThreadData = workerData;
switch (data.role) {
  case 'walker':
    (await import('./engine/backup/walkerThread.ts')).runWalker(data);
    break;
  case 'file':
    (await import('./engine/backup/fileWorker.ts')).runFileWorker(data);
    break;
  case 'planner':
    await (await import('./engine/restore/plannerThread.ts')).runPlanner(data);
    break;
  case 'restore':
    (await import('./engine/restore/restoreWorker.ts')).runRestoreWorker(data);
    break;
  case 'scrypt':
    (await import('./keys/scryptWorker.ts')).runScryptWorker();
    break;
  case 'catalogCopy':
    await (await import('./catalog/copy/copyThread.ts')).runCopyThread(data);
    break;
}
