/** A part of a report below its facts. */
export interface Section {
  readonly title: string;
  readonly lines: readonly string[];
  /** All there are, more than lines where not all were fetched; left out where lines are no list. */
  readonly total?: number;
}
