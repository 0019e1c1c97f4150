import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePorts } from './freePorts.ts';
import { GuardedProcess } from './guardedProcess.ts';
import { answers } from './readiness.ts';
import { type MadeBucket, makeBucket, owner, type S3Identity } from './s3Server.ts';
import type { ServerPrograms } from './serverPrograms.ts';

const startLimit = 30_000;
const endGrace = 5000;
const attempts = 3;

interface Ports {
  readonly master: number;
  readonly volume: number;
  readonly filer: number;
  readonly s3: number;
}

export interface SeaweedOptions {
  /** Besides `owner`; see `setIdentities`. */
  readonly identities?: readonly S3Identity[];
  /** It has a key for SSE-S3; without one it answers 500 to a put that asks for it. */
  readonly encrypts?: boolean;
  /** Where its folder is made; default: the system's for temporary files. */
  readonly parent?: string;
  /** Of a file in which objects lie; small ones for many small buckets (the default, 64), large ones for large objects. */
  readonly volumeMegabytes?: number;
}

interface Launch {
  readonly programs: ServerPrograms;
  readonly folder: string;
  readonly ports: Ports;
  readonly encrypts: boolean;
  readonly volumeMegabytes: number;
}

/** SeaweedFS: an S3 server that enforces Object Lock. All of its state lies in a temporary folder. */
export class SeaweedServer implements AsyncDisposable {
  readonly endpoint: string;
  readonly #folder: string;
  readonly #ports: Ports;
  readonly #launch: Launch;
  #process: GuardedProcess;

  private constructor(launched: Launch, started: GuardedProcess) {
    this.#launch = launched;
    this.#folder = launched.folder;
    this.#ports = launched.ports;
    this.#process = started;
    this.endpoint = `http://127.0.0.1:${launched.ports.s3}`;
  }

  /** About three seconds. */
  static async start(programs: ServerPrograms, options: SeaweedOptions = {}): Promise<SeaweedServer> {
    const { identities = [], encrypts = false, parent = tmpdir(), volumeMegabytes = 64 } = options;
    const folder = await mkdtemp(path.join(parent, 'hf-seaweed-'));
    mkdirSync(path.join(folder, 'data'));
    writeIdentities(folder, [owner, ...identities]);
    // Each bucket takes its own volumes, seven at a time where nothing is said: a bucket a test would soon use them up.
    writeFileSync(path.join(folder, 'master.toml'), '[master.volume_growth]\ncopy_1 = 1\n');
    for (let attempt = 1; ; attempt += 1) {
      const [master = 0, volume = 0, filer = 0, s3 = 0] = await freePorts(4, { withTwin: true });
      const ports: Ports = { master, volume, filer, s3 };
      try {
        const launched: Launch = { programs, folder, ports, encrypts, volumeMegabytes };
        return new SeaweedServer(launched, await launch(launched));
      } catch (error) {
        // Somebody else may have taken a port meanwhile.
        removeSockets(ports);
        if (attempt < attempts) continue;
        rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
        throw error;
      }
    }
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** The host and port that S3 is spoken on: what a proxy leads to. */
  get address(): { readonly host: string; readonly port: number } {
    return { host: '127.0.0.1', port: this.#ports.s3 };
  }

  get output(): string {
    return this.#process.output;
  }

  /** A new bucket; a name of its own where none is given. */
  async createBucket(options: { readonly name?: string; readonly objectLock?: boolean } = {}): Promise<MadeBucket> {
    const made = await makeBucket(this.endpoint, options.name ?? `test-${randomBytes(6).toString('hex')}`, options);
    // Else the first puts wait for it, and several at once are refused meanwhile.
    const grown = await fetch(`http://127.0.0.1:${this.#ports.master}/vol/grow?collection=${made.name}&count=1&replication=000`);
    await grown.body?.cancel();
    return made;
  }

  /** Takes a bucket's content from the disk, locked or not, as only who has the disks can. Nobody uses the bucket afterwards. */
  async discardBucket(name: string): Promise<void> {
    const discarded = await fetch(`http://127.0.0.1:${this.#ports.master}/col/delete?collection=${name}`, { method: 'POST' });
    await discarded.body?.cancel();
    if (!discarded.ok) throw new Error(`SeaweedFS answers ${discarded.status} where bucket ${name} is to be discarded`);
  }

  /**
   * Who may do what from now on. An identity that is left out stays as it was: to take credentials away, give its name other keys; to take permissions
   * away, fewer actions.
   */
  async setIdentities(identities: readonly S3Identity[]): Promise<void> {
    const before = this.#process.lineCount;
    writeIdentities(this.#folder, identities);
    this.#process.signal('SIGHUP');
    // The reload is over when the last of the servers in this process says so.
    while (this.#process.isRunning && !this.#process.linesAfter(before).some((line) => line.includes('Reload filer server'))) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Ends it as an administrator would; what is stored stays. With `startAgain` about twenty seconds: for mere outages put a `FaultProxy` in between. */
  async stop(): Promise<void> {
    await this.#process.end(endGrace);
    removeSockets(this.#ports);
  }

  /** Starts it again on the same ports with what was stored. */
  async startAgain(): Promise<void> {
    this.#process = await launch(this.#launch);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.end(0);
    removeSockets(this.#ports);
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function launch({ programs, folder, ports, encrypts, volumeMegabytes }: Launch): Promise<GuardedProcess> {
  const started = await GuardedProcess.start(
    programs.weed,
    [
      'server',
      `-dir=${path.join(folder, 'data')}`,
      '-ip=127.0.0.1',
      '-ip.bind=127.0.0.1',
      `-master.port=${ports.master}`,
      `-volume.port=${ports.volume}`,
      `-filer.port=${ports.filer}`,
      '-s3',
      `-s3.port=${ports.s3}`,
      `-s3.config=${path.join(folder, 'identities.json')}`,
      '-s3.port.iceberg=0',
      '-s3.port.lance=0',
      '-s3.iam=false',
      // A put into a bucket that is not there would make one.
      '-s3.autoCreateBucket=false',
      `-master.volumeSizeLimitMB=${volumeMegabytes}`,
      '-master.telemetry=false',
      '-volume.max=10000',
      // Without it the end takes ten seconds.
      '-volume.preStopSeconds=0',
    ],
    {
      cwd: folder,
      remains: [folder, ...socketsOf(ports)],
      env: { HOME: folder, PATH: '/usr/bin:/bin', TMPDIR: folder, ...(encrypts ? { WEED_S3_SSE_KEY: 'a key for tests alone' } : {}) },
    },
  );
  try {
    await answers(`http://127.0.0.1:${ports.s3}/`, started, startLimit);
    return started;
  } catch (error) {
    await started.end(0);
    throw error;
  }
}

function writeIdentities(folder: string, identities: readonly S3Identity[]): void {
  const content = {
    identities: identities.map(({ name, accessKeyId, secretAccessKey, actions }) => ({
      name,
      credentials: [{ accessKey: accessKeyId, secretKey: secretAccessKey }],
      actions,
    })),
  };
  writeFileSync(path.join(folder, 'identities.json'), JSON.stringify(content), { mode: 0o600 });
}

/** It leaves sockets in the system's folder for temporary files, whatever TMPDIR says. */
function socketsOf(ports: Ports): readonly string[] {
  const names = Object.entries(ports).flatMap(([role, port]) => [`${role}-${port}`, `${role}-grpc-${port + 10_000}`]);
  return names.map((name) => path.join('/tmp', `seaweedfs-${name}.sock`));
}

function removeSockets(ports: Ports): void {
  for (const socket of socketsOf(ports)) rmSync(socket, { force: true });
}
