import type { Entry, PathChange } from '../../protocol/methods/restorePoints.ts';

/** Bytes of JSON that the items of one answer have: half of the largest frame (protocol/endpoint.ts), so that a page of usual paths is as long as was asked for. */
const answerBytes: number = 512 * 1024;

/** What of a list goes into one answer: by count and by bytes, and one item always. */
export class AnswerRoom {
  readonly #limit: number;
  #items = 0;
  #bytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether there is room for one more; it is then taken. */
  takes(item: Entry | PathChange): boolean {
    const bytes = Buffer.byteLength(JSON.stringify(item)) + 1;
    if (this.#items > 0 && (this.#items === this.#limit || this.#bytes + bytes > answerBytes)) return false;
    this.#items += 1;
    this.#bytes += bytes;
    return true;
  }
}
