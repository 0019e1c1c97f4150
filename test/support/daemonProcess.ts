import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { connectDaemon } from '../../client/connect.ts';
import type { DaemonConnection } from '../../client/connection.ts';
import { readEndpoint } from '../../client/endpointReader.ts';
import type { Endpoint } from '../../protocol/endpoint.ts';
import { endProcess, processesNaming } from './processes.ts';

export const daemonEntry: string = path.join(path.dirname(path.dirname(import.meta.dirname)), 'daemon', 'main.ts');

/** A real daemon process from the sources, in a scratch state directory. Disposing ends every process that names that directory, by its id. */
export class DaemonProcess implements AsyncDisposable {
  readonly folder: string = mkdtempSync(path.join(os.tmpdir(), 'hf-process-'));
  readonly state: string = path.join(this.folder, 'state');
  readonly #entryPath: string;

  /** @param entryPath of another program in place of the sources. */
  constructor(entryPath: string = daemonEntry) {
    this.#entryPath = entryPath;
  }

  /** A connection after `hello`; starts the daemon where none runs. */
  async connect(args: readonly string[] = []): Promise<DaemonConnection> {
    const connection = await connectDaemon({ stateDirectory: this.state, clientName: 'test', start: { entryPath: this.#entryPath, args } });
    if (connection === undefined) throw new Error('no daemon');
    return connection;
  }

  /** A connection to a daemon that runs; `undefined` where none does. */
  find(): Promise<DaemonConnection | undefined> {
    return connectDaemon({ stateDirectory: this.state, clientName: 'test' });
  }

  get endpoint(): Endpoint {
    const endpoint = readEndpoint(this.state);
    if (endpoint === undefined) throw new Error('no endpoint file');
    return endpoint;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(processesNaming(this.folder).map((pid) => endProcess(pid)));
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Local addresses of the internet sockets that a process has, from /proc. Linux only. */
export function internetSockets(pid: number): readonly string[] {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((descriptor) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${descriptor}`))?.[1] ?? [];
      } catch {
        // Closed meanwhile.
        return [];
      }
    }),
  );
  return ['tcp', 'tcp6', 'udp', 'udp6', 'raw'].flatMap((kind) =>
    readFileSync(`/proc/${pid}/net/${kind}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((columns) => inodes.has(columns[9] ?? ''))
      .map((columns) => `${kind} ${columns[1]}`),
  );
}

export function openDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Resident memory in bytes, now. */
export function residentMemory(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
  return Number(found?.[1] ?? 0) * 1024;
}
