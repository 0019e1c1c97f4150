import { workerData } from 'node:worker_threads';
import { runFileWorker } from './engine/backup/fileWorker.ts';
import type { FileWorkerData, WalkerData } from './engine/backup/messages.ts';
import { runWalker } from './engine/backup/walkerThread.ts';
import type { PlannerData, RestoreWorkerData } from './engine/restore/messages.ts';
import { runPlanner } from './engine/restore/plannerThread.ts';
import { runRestoreWorker } from './engine/restore/restoreWorker.ts';
import { runScryptWorker, type ScryptJob } from './keys/scryptWorker.ts';

/** The one entry of all worker threads: what a thread is for stands in its `workerData`. */
const data: WalkerData | FileWorkerData | PlannerData | RestoreWorkerData | ScryptJob = workerData;
switch (data.role) {
  case 'walker':
    runWalker(data);
    break;
  case 'file':
    runFileWorker(data);
    break;
  case 'planner':
    await runPlanner(data);
    break;
  case 'restore':
    runRestoreWorker(data);
    break;
  case 'scrypt':
    runScryptWorker();
    break;
}
