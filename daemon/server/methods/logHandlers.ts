import path from 'node:path';
import { logRead } from '../../../protocol/methods/log.ts';
import { type BoundHandler, handlerOf } from '../handler.ts';
import { readLog } from '../logReader.ts';

/** The log's name in the state directory. */
export const logFileName = 'daemon.log';

export function logHandlers(stateDirectory: string): readonly (readonly [string, BoundHandler])[] {
  return [handlerOf(logRead, (params) => readLog(path.join(stateDirectory, logFileName), params))];
}
