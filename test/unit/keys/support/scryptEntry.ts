import { runScryptWorker } from '../../../../daemon/keys/scryptWorker.ts';

runScryptWorker();
