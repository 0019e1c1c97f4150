import { createHash } from 'node:crypto';
import path from 'node:path';
import * as z from 'zod';
import { protocolVersionSchema } from './hello.ts';
import type { ProtocolVersion } from './version.ts';

/** What a daemon writes into its state directory once it listens. Readers believe nothing of it before the daemon has proved that it knows `proofKey`. */
export interface Endpoint {
  /** The socket, or the named pipe on Windows. */
  readonly path: string;
  readonly pid: number;
  readonly protocol: ProtocolVersion;
  readonly programVersion: string;
  /** 16 bytes in hex, new at every start. */
  readonly instanceId: string;
  /** 32 bytes in hex, new at every start. */
  readonly proofKey: string;
  /** RFC 3339, UTC. */
  readonly startedAt: string;
  /** Its real path. */
  readonly stateDirectory: string;
  readonly runtimePath: string;
  readonly entryPath: string;
}

export const endpoint: z.ZodType<Endpoint> = z.object({
  path: z.string().min(1).max(512),
  pid: z.int().min(1),
  protocol: protocolVersionSchema,
  programVersion: z.string().max(64),
  instanceId: z.string().regex(/^[0-9a-f]{32}$/),
  proofKey: z.string().regex(/^[0-9a-f]{64}$/),
  startedAt: z.iso.datetime(),
  stateDirectory: z.string(),
  runtimePath: z.string(),
  entryPath: z.string(),
});

export const endpointFileName = 'endpoint.json';

/** Bytes that a reader takes of an endpoint file at most. */
export const endpointBytesLimit: number = 64 * 1024;

/** `sun_path` has 104 bytes on macOS and 108 on Linux, the NUL included. */
export const socketPathLimit = 103;

/** The one path, subprotocol and host that an upgrade may ask for. */
export const webSocketPath = '/v1';
export const webSocketProtocol = 'holdfast.v1';
export const webSocketHost = 'holdfast';

/** Limits of `ws` on both sides, in bytes and pieces. */
export const webSocketLimits: {
  readonly maxPayload: number;
  readonly maxFragments: number;
  readonly maxBufferedChunks: number;
  readonly perMessageDeflate: false;
} = { maxPayload: 1024 * 1024, maxFragments: 64, maxBufferedChunks: 1024, perMessageDeflate: false };

export interface RuntimeSurroundings {
  readonly platform: NodeJS.Platform;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly temporaryDirectory: string;
  /** `undefined` on Windows. */
  readonly userId: number | undefined;
}

/**
 * Folders for the socket, best first: each is the daemon's own, 0700, made where it is missing and refused where it is somebody else's.
 * Never a place of VS Code's, whose paths are too long. Empty on Windows, where pipes have no folder.
 */
export function runtimeFolders(surroundings: RuntimeSurroundings): readonly string[] {
  if (surroundings.platform === 'win32') return [];
  const ofUser = `holdfast-${surroundings.userId ?? 0}`;
  const ofSession = surroundings.environment['XDG_RUNTIME_DIR'];
  const folders = [
    ...(ofSession !== undefined && path.posix.isAbsolute(ofSession) ? [path.posix.join(ofSession, 'holdfast')] : []),
    path.posix.join(surroundings.temporaryDirectory, ofUser),
    path.posix.join('/tmp', ofUser),
  ];
  return [...new Set(folders)].filter((folder) => Buffer.byteLength(socketPathIn(folder, '')) <= socketPathLimit);
}

/** A socket's path: short, and one for each state directory, which is named by its real path. */
export function socketPathIn(folder: string, stateDirectory: string): string {
  return path.posix.join(folder, `${createHash('sha256').update(stateDirectory).digest('hex').slice(0, 20)}.sock`);
}

/** A pipe's name on Windows, from 16 random bytes. */
export function pipeName(random: Uint8Array): string {
  return `\\\\.\\pipe\\holdfast-${Buffer.from(random).toString('hex')}`;
}
