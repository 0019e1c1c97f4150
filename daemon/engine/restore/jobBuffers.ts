import type { PackJob } from './messages.ts';

/** The memory of jobs whose ranges come by one request: each gets it when its turn has come, and gives it away when it is full. */
export class JobBuffers {
  readonly #jobs: readonly PackJob[];
  readonly #next: () => SharedArrayBuffer | Promise<SharedArrayBuffer>;
  #part = 0;
  /** Of the job whose turn it is. */
  #buffer: SharedArrayBuffer | Promise<SharedArrayBuffer> | undefined;

  /** `first` is the memory of the first job. */
  constructor(jobs: readonly PackJob[], first: SharedArrayBuffer, next: () => SharedArrayBuffer | Promise<SharedArrayBuffer>) {
    this.#jobs = jobs;
    this.#buffer = first;
    this.#next = next;
  }

  memoryOf(part: number): Uint8Array | Promise<Uint8Array> {
    const { length } = this.#jobAt(part).fetch;
    this.#buffer ??= this.#next();
    const buffer = this.#buffer;
    if (buffer instanceof SharedArrayBuffer) return new Uint8Array(buffer, 0, length);
    return buffer.then((given) => {
      this.#buffer = given;
      return new Uint8Array(given, 0, length);
    });
  }

  /** The memory is the caller's from now on. */
  filled(part: number): { readonly job: PackJob; readonly buffer: SharedArrayBuffer; readonly fetched: Uint8Array } {
    const job = this.#jobAt(part);
    const buffer = this.#buffer;
    if (!(buffer instanceof SharedArrayBuffer)) throw new RangeError('a part without memory was filled');
    this.#part += 1;
    this.#buffer = undefined;
    return { job, buffer, fetched: new Uint8Array(buffer, 0, job.fetch.length) };
  }

  /** What has not come: the job whose turn it is, and those behind it. */
  left(): { readonly job: PackJob | undefined; readonly rest: readonly PackJob[] } {
    const [job, ...rest] = this.#jobs.slice(this.#part);
    return { job, rest };
  }

  /** The memory of the job whose turn it is, for a request of its own. */
  async ownBuffer(): Promise<SharedArrayBuffer> {
    return await (this.#buffer ?? this.#next());
  }

  #jobAt(part: number): PackJob {
    const job = this.#jobs[part];
    if (job === undefined || part !== this.#part) throw new RangeError('it is the turn of another part');
    return job;
  }
}
