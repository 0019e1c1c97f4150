import { contentWindow, readContentFrame, type StreamEnded } from '../protocol/contentFrames.ts';
import { HoldfastError } from '../protocol/errors.ts';
import type { StreamRef } from '../protocol/method.ts';
import { fromWireError } from '../protocol/wireErrors.ts';

export interface IncomingStreamPort {
  credit(streamId: number, frames: number): void;
  cancel(streamId: number): void;
}

interface Incoming {
  readonly frames: Buffer[];
  ended: { readonly error: HoldfastError | undefined } | undefined;
  wake: (() => void) | undefined;
}

/** The streams that a client reads. A few frames of each are under way at a time; what is not read is not sent. */
export class IncomingStreams {
  readonly #port: IncomingStreamPort;
  readonly #streams = new Map<number, Incoming>();
  #lost: HoldfastError | undefined;

  constructor(port: IncomingStreamPort) {
    this.#port = port;
  }

  /** The bytes of a stream, once. Leaving the loop early tells the daemon to stop. */
  async *read({ streamId }: StreamRef): AsyncGenerator<Uint8Array, void, undefined> {
    if (this.#lost !== undefined) throw this.#lost;
    if (this.#streams.has(streamId)) throw new RangeError('a stream is read once');
    const incoming: Incoming = { frames: [], ended: undefined, wake: undefined };
    this.#streams.set(streamId, incoming);
    try {
      this.#port.credit(streamId, contentWindow);
      for (;;) {
        const frame = incoming.frames.shift();
        if (frame !== undefined) {
          yield frame;
          if (incoming.ended === undefined) this.#port.credit(streamId, 1);
        } else if (incoming.ended === undefined) {
          await new Promise<void>((resolve) => {
            incoming.wake = resolve;
          });
        } else if (incoming.ended.error === undefined) {
          return;
        } else {
          throw incoming.ended.error;
        }
      }
    } finally {
      this.#streams.delete(streamId);
      if (incoming.ended === undefined) this.#port.cancel(streamId);
    }
  }

  /** `false` for what is no content frame. Frames of a stream that is no longer read are dropped. */
  take(frame: Buffer): boolean {
    const content = readContentFrame(frame);
    if (content === undefined) return false;
    const incoming = this.#streams.get(content.streamId);
    incoming?.frames.push(content.bytes);
    incoming?.wake?.();
    return true;
  }

  end({ streamId, error }: StreamEnded): void {
    const incoming = this.#streams.get(streamId);
    if (incoming === undefined) return;
    incoming.ended = { error: error === undefined ? undefined : fromWireError(error) };
    incoming.wake?.();
  }

  /** The connection is gone: every reader is told so. */
  lose(error: HoldfastError): void {
    this.#lost = error;
    for (const incoming of this.#streams.values()) {
      incoming.ended ??= { error };
      incoming.wake?.();
    }
  }
}
