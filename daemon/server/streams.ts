import { contentBytesLimit, contentFrame, type StreamEnded } from '../../protocol/contentFrames.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import type { StreamRef } from '../../protocol/method.ts';
import { toWireError } from '../../protocol/wireErrors.ts';
import type { ContentSink } from './handler.ts';

/** Streams that one session may have open. */
const openLimit = 16;
const creditLimit = 1024;

export interface StreamPort {
  /** Resolves when the socket took the bytes. */
  sendFrame(frame: Buffer): Promise<void>;
  sendEnded(ended: StreamEnded): Promise<void>;
  /** Turns whatever a producer threw into an error that may be shown, and logs it where it was unforeseen. */
  explain(error: unknown): HoldfastError;
}

type Produce = (sink: ContentSink) => Promise<void>;

/** The streams of one session. Each is produced only as fast as the client grants credit and the socket takes frames, so a slow reader fills no memory. */
export class SessionStreams implements Disposable {
  readonly #port: StreamPort;
  readonly #streams = new Map<number, ContentStream>();
  #next = 0;

  constructor(port: StreamPort) {
    this.#port = port;
  }

  open(produce: Produce): StreamRef {
    if (this.#streams.size >= openLimit) {
      throw new HoldfastError('failed', `Failed to open a stream: this session has ${openLimit} open already.`);
    }
    const streamId = this.#next;
    this.#next += 1;
    this.#streams.set(streamId, new ContentStream(streamId, produce, this.#port, () => this.#streams.delete(streamId)));
    return { streamId };
  }

  /** Credit for a stream that has ended meanwhile is nothing to complain about. */
  grant(streamId: number, frames: number): void {
    this.#streams.get(streamId)?.grant(frames);
  }

  cancel(streamId: number): void {
    this.#streams.get(streamId)?.cancel();
  }

  [Symbol.dispose](): void {
    for (const stream of this.#streams.values()) stream.cancel();
  }
}

class ContentStream implements ContentSink {
  readonly #streamId: number;
  readonly #produce: Produce;
  readonly #port: StreamPort;
  readonly #onEnd: () => void;
  readonly #abort = new AbortController();
  #credit = 0;
  #hasStarted = false;
  #wake: (() => void) | undefined;

  constructor(streamId: number, produce: Produce, port: StreamPort, onEnd: () => void) {
    this.#streamId = streamId;
    this.#produce = produce;
    this.#port = port;
    this.#onEnd = onEnd;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  grant(frames: number): void {
    this.#credit = Math.min(this.#credit + frames, creditLimit);
    this.#wake?.();
    if (this.#hasStarted) return;
    this.#hasStarted = true;
    void this.#run();
  }

  cancel(): void {
    this.#abort.abort();
    this.#wake?.();
    if (!this.#hasStarted) this.#onEnd();
    this.#hasStarted = true;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let offset = 0; offset < bytes.length; offset += contentBytesLimit) {
      await this.#takeCredit();
      await this.#port.sendFrame(contentFrame(this.#streamId, bytes.subarray(offset, offset + contentBytesLimit)));
    }
  }

  async #takeCredit(): Promise<void> {
    while (this.#credit === 0 && !this.signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.signal.aborted) throw new HoldfastError('cancelled', 'Failed to send content: its reader is gone.');
    this.#credit -= 1;
  }

  async #run(): Promise<void> {
    try {
      await this.#produce(this);
      await this.#end({ streamId: this.#streamId });
    } catch (error) {
      const shown = this.signal.aborted
        ? new HoldfastError('cancelled', 'Failed to send content: its reader is gone.')
        : this.#port.explain(error);
      await this.#end({ streamId: this.#streamId, error: toWireError(shown) });
    } finally {
      this.#onEnd();
    }
  }

  /** Whoever is gone needs no telling. */
  async #end(ended: StreamEnded): Promise<void> {
    await this.#port.sendEnded(ended).catch(() => undefined);
  }
}
