/** What a verb ended with. */
export interface Result {
  /** What `--json` prints. */
  readonly document: unknown;
  /** Lines for people, safe to print. A verb that printed them while it ran leaves them out. */
  readonly lines?: readonly string[];
  /** The lines only say that it was done: `--quiet` leaves them out. */
  readonly isNotice?: boolean;
  /** 0 where left out. */
  readonly exitStatus?: number;
  /** Everything was printed already: a stream of bytes, JSON Lines. */
  readonly isPrinted?: boolean;
}
