import { workerData } from 'node:worker_threads';
import { runFileWorker } from './engine/backup/fileWorker.ts';
import type { FileWorkerData, WalkerData } from './engine/backup/messages.ts';
import { runWalker } from './engine/backup/walkerThread.ts';

/** The one entry of all worker threads: what a thread is for stands in its `workerData`. */
const data: WalkerData | FileWorkerData = workerData;
switch (data.role) {
  case 'walker':
    runWalker(data);
    break;
  case 'file':
    runFileWorker(data);
    break;
}
