import * as z from 'zod';
import type { Method } from '../method.ts';
import { pageItems } from '../method.ts';
import { time } from './values.ts';

/** From what is always written to what is written only when asked for. */
export const logLevels = ['error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof logLevels)[number];

/** One line of the daemon's log. Secrets never get into it. */
export interface LogLine {
  readonly time: string;
  readonly level: LogLevel;
  readonly message: string;
  /** Facts beside the sentence. */
  readonly facts: Readonly<Record<string, unknown>> | null;
}

export interface LogReadParams {
  /** A cursor of an earlier answer: only what was written since. Left out: the newest `limit` lines. */
  readonly after?: string;
  readonly limit?: number;
}

/** Unlike a page, `cursor` is never `null`: a client that follows asks again with it. Oldest first. */
export interface LogReadResult {
  readonly items: readonly LogLine[];
  readonly cursor: string;
}

export const logReadDefault = 200;

export const logRead: Method<LogReadParams, LogReadResult> = {
  name: 'log.read',
  params: z.strictObject({ after: z.string().max(1024).exactOptional(), limit: z.int().min(1).max(pageItems).exactOptional() }),
  result: z.strictObject({
    items: z
      .array(
        z.strictObject({
          time,
          level: z.enum(logLevels),
          message: z.string(),
          facts: z.record(z.string(), z.unknown()).nullable(),
        }),
      )
      .max(pageItems),
    cursor: z.string().max(1024),
  }),
  right: 'always',
};
