import * as z from 'zod';
import type { Method } from './method.ts';
import type { ProtocolVersion } from './version.ts';

export const protocolVersionSchema: z.ZodType<ProtocolVersion> = z.strictObject({ major: z.int().min(0), minor: z.int().min(0) });

export interface HelloParams {
  readonly protocol: ProtocolVersion;
  /** Who calls, for the log and for "who is connected": `cli`, `extension`, or another name. */
  readonly clientName: string;
  readonly clientVersion: string;
}

export interface HelloResult {
  readonly protocol: ProtocolVersion;
  readonly programVersion: string;
  readonly pid: number;
  /** RFC 3339, UTC. */
  readonly startedAt: string;
  readonly stateDirectory: string;
  /** Path of the runtime that the daemon runs on, and of its entry file: where they differ from the client's, the daemon is out of date. */
  readonly runtimePath: string;
  readonly entryPath: string;
}

/** The first request after the proof; any other before it is refused with `protocolViolation`. Fails with `versionMismatch`. */
export const hello: Method<HelloParams, HelloResult> = {
  name: 'hello',
  params: z.strictObject({
    protocol: protocolVersionSchema,
    clientName: z.string().min(1).max(64),
    clientVersion: z.string().min(1).max(64),
  }),
  result: z.strictObject({
    protocol: protocolVersionSchema,
    programVersion: z.string(),
    pid: z.int(),
    startedAt: z.iso.datetime(),
    stateDirectory: z.string(),
    runtimePath: z.string(),
    entryPath: z.string(),
  }),
  right: 'always',
};
