import { workerData } from 'node:worker_threads';
import type { FileWorkerData, WalkerData } from './engine/backup/messages.ts';
import type { PlannerData, RestoreWorkerData } from './engine/restore/messages.ts';
import type { ScryptJob } from './keys/scryptWorker.ts';

/** The one entry of all worker threads: what a thread is for stands in its `workerData`. Each loads what it needs alone, for a run starts several. */
const data: WalkerData | FileWorkerData | PlannerData | RestoreWorkerData | ScryptJob = workerData;
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
}
