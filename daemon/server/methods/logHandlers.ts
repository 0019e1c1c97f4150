import path from 'node:path';
import { logRead } from '../../../protocol/methods/log.ts';
import { type BoundHandler, handlerOf } from '../handler.ts';
import { logFileName } from '../logger.ts';
import { readLog } from '../logReader.ts';

export function logHandlers(stateDirectory: string): readonly (readonly [string, BoundHandler])[] {
  return [handlerOf(logRead, (params) => readLog(path.join(stateDirectory, logFileName), params))];
}
