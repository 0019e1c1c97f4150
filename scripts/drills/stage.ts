import type { AlertDocument } from '../../test/support/cliShapes.ts';
import { ImmutableScratch, type ImmutableScratchOptions } from '../../test/support/immutableScratch.ts';
import { SeededRandom } from '../../test/support/random.ts';
import type { MotoServer } from '../../test/support/servers/motoServer.ts';
import type { OpenBaoServer } from '../../test/support/servers/openBaoServer.ts';
import type { MadeBucket } from '../../test/support/servers/s3Server.ts';
import type { SeaweedServer } from '../../test/support/servers/seaweedServer.ts';

/** One act of an attack, and how the built product takes it. */
export interface Drill {
  /** Of docs/threat-model.md. */
  readonly id: string;
  readonly title: string;
  readonly play: (stage: Stage) => Promise<void>;
}

export interface StageOptions {
  readonly say: (line: string) => void;
  readonly seed: number;
  readonly seaweed: () => Promise<SeaweedServer>;
  /** One that knows SSE-S3. */
  readonly encrypting: () => Promise<SeaweedServer>;
  readonly moto: () => Promise<MotoServer>;
  /** One of its own, whose state lies on a disk. */
  readonly newOpenBao: () => Promise<OpenBaoServer>;
}

/** What was looked at, and how it was. */
export interface Look {
  readonly sentence: string;
  readonly holds: boolean;
}

const linesShown = 9;
const files = 12;

/** Where a drill is played: it tells what happens and keeps what was looked at. */
export class Stage implements AsyncDisposable {
  readonly seed: number;
  readonly looks: Look[] = [];
  readonly #options: StageOptions;
  readonly #things = new AsyncDisposableStack();

  constructor(options: StageOptions) {
    this.#options = options;
    this.seed = options.seed;
  }

  get seaweed(): Promise<SeaweedServer> {
    return this.#options.seaweed();
  }

  get encrypting(): Promise<SeaweedServer> {
    return this.#options.encrypting();
  }

  get moto(): Promise<MotoServer> {
    return this.#options.moto();
  }

  /** Ends with the drill. */
  async newOpenBao(): Promise<OpenBaoServer> {
    return this.use(await this.#options.newOpenBao());
  }

  tell(text: string): void {
    this.#options.say(`  ${text}`);
  }

  look(sentence: string, holds: boolean): void {
    this.looks.push({ sentence, holds });
    this.#options.say(`  ${holds ? 'ok    ' : 'FAILED'} ${sentence}`);
  }

  /** Kept until the drill has ended. */
  use<Thing extends AsyncDisposable>(thing: Thing): Thing {
    return this.#things.use(thing);
  }

  /** A user with an empty immutable location in a bucket; the location is not there yet. */
  newUser(bucket: MadeBucket, options: Omit<ImmutableScratchOptions, 'bucket'> = {}): ImmutableScratch {
    const user = this.use(new ImmutableScratch({ bucket, ...options }));
    const random = new SeededRandom(this.seed);
    for (let index = 0; index < files; index += 1) user.write(`document ${index}`, random.bytes(30_000 + index));
    return user;
  }

  /** A user who has backed up once into a new bucket, of SeaweedFS unless said otherwise. */
  async vault(server?: SeaweedServer): Promise<{ readonly user: ImmutableScratch; readonly point: string }> {
    const user = this.newUser(await (server ?? (await this.seaweed)).createBucket());
    await user.setUp();
    const point = await user.backUp();
    this.tell(`A user has ${files} files backed up in a bucket of SeaweedFS: locked, and for ${user.protectionPeriodDays} days ahead.`);
    return { user, point };
  }

  /** The command line as the user has it; what it prints is shown in part: its beginning, or the lines that are asked for. */
  async holdfast(
    user: ImmutableScratch,
    args: readonly string[],
    wanted: RegExp = /\S/,
  ): Promise<{ readonly status: number | null; readonly text: string }> {
    const { status, stdout, stderr } = await user.scratch.cli(args);
    const text = `${stdout}${stderr}`;
    // What is of this machine alone says nothing to a reader.
    const shown = args.map((arg) => (arg.startsWith(user.scratch.folder) ? arg.slice(user.scratch.folder.length + 1) : arg));
    this.tell(
      `$ holdfast ${shown.map((arg) => (arg.includes(' ') ? JSON.stringify(arg) : arg)).join(' ')}   (exit ${status ?? 'by a signal'})`,
    );
    const lines = text.split('\n').filter((line) => wanted.test(line));
    for (const line of lines.slice(0, linesShown)) this.tell(`    ${line}`);
    if (lines.length > linesShown) this.tell(`    … (${lines.length} lines in all)`);
    return { status, text };
  }

  /** What the audit finds, and that its exit status says so. */
  async audit(user: ImmutableScratch, expected: readonly string[]): Promise<void> {
    const { status, text } = await this.holdfast(user, ['immutability', 'audit']);
    if (expected.length === 0) {
      this.look('The audit finds nothing wrong (exit 0).', status === 0);
      return;
    }
    this.look(
      `The audit names ${expected.join(' and ')}, since when, and ends with exit 5.`,
      status === 5 && expected.every((kind) => text.includes(kind)),
    );
  }

  /** An alert that is open, with all that one has to say. */
  async alert(user: ImmutableScratch, kind: string): Promise<AlertDocument | undefined> {
    const alert = (await user.alerts()).find((one) => one.kind === kind);
    if (alert !== undefined) {
      this.tell(`Alert: ${alert.message}`);
      this.tell(`       since ${alert.since}, nothing is lost until ${alert.safeUntil ?? 'nobody knows'}`);
      this.tell(`       ${alert.fix ?? ''}`);
    }
    this.look(
      `The alert ${kind} is open, says since when and until when nothing is lost, and has a way out.`,
      alert !== undefined && alert.fix !== null && alert.safeUntil !== null && Date.parse(alert.safeUntil) > Date.now(),
    );
    return alert;
  }

  async noAlert(user: ImmutableScratch, kind: string): Promise<void> {
    const open = (await user.alerts()).some((one) => one.kind === kind);
    this.look(`The alert ${kind} has resolved itself.`, !open);
  }

  async restores(user: ImmutableScratch, point: string): Promise<void> {
    const differences = await user.restoreDifferences(point);
    for (const difference of differences.slice(0, 3)) this.tell(`    ${difference}`);
    this.look(`Restore point ${point.slice(0, 8)} comes back, each byte, mode and time of it.`, differences.length === 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#things[Symbol.asyncDispose]();
  }
}
