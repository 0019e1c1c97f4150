import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePorts } from './freePorts.ts';
import { GuardedProcess } from './guardedProcess.ts';
import { answers } from './readiness.ts';
import { type MadeBucket, makeBucket } from './s3Server.ts';
import type { ServerPrograms } from './serverPrograms.ts';

const startLimit = 30_000;
const attempts = 3;

/**
 * moto's S3: a server that shows Object Lock and does not keep it. Locks can be shortened and weakened, dates may be past, versioning can be suspended, and
 * the retention of a version is answered with nothing. It takes any credentials. What it holds is in its memory.
 */
export class MotoServer implements AsyncDisposable {
  readonly endpoint: string;
  readonly #folder: string;
  readonly #process: GuardedProcess;

  private constructor(endpoint: string, folder: string, started: GuardedProcess) {
    this.endpoint = endpoint;
    this.#folder = folder;
    this.#process = started;
  }

  /** About two seconds. */
  static async start(programs: ServerPrograms): Promise<MotoServer> {
    const folder = await mkdtemp(path.join(tmpdir(), 'hf-moto-'));
    for (let attempt = 1; ; attempt += 1) {
      const [port = 0] = await freePorts(1);
      const endpoint = `http://127.0.0.1:${port}`;
      const started = await GuardedProcess.start(programs.python, ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], {
        cwd: folder,
        remains: [folder],
        env: { HOME: folder, PATH: '/usr/bin:/bin', TMPDIR: folder },
      });
      try {
        await answers(`${endpoint}/`, started, startLimit);
        return new MotoServer(endpoint, folder, started);
      } catch (error) {
        await started.end(0);
        // Somebody else may have taken the port meanwhile.
        if (attempt < attempts) continue;
        rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
        throw error;
      }
    }
  }

  get pid(): number {
    return this.#process.pid;
  }

  get output(): string {
    return this.#process.output;
  }

  /** A new bucket; a name of its own where none is given. */
  async createBucket(options: { readonly name?: string; readonly objectLock?: boolean } = {}): Promise<MadeBucket> {
    return await makeBucket(this.endpoint, options.name ?? `test-${randomBytes(6).toString('hex')}`, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.end(0);
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
