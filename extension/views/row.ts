/** What a row stands for: what commands of its menu work on. */
export type Subject =
  | { readonly kind: 'policy'; readonly id: string; readonly name: string }
  | { readonly kind: 'restorePoint'; readonly id: string; readonly policy: string; readonly startedAt: string }
  | { readonly kind: 'entry'; readonly restorePointId: string; readonly path: string; readonly isFolder: boolean }
  | { readonly kind: 'passkey'; readonly id: string; readonly name: string }
  /** `keepsLocks`: it has a protection period, whatever the proof of its lock says. */
  | { readonly kind: 'location'; readonly id: string; readonly name: string; readonly keepsLocks: boolean }
  /** `location`: the one that it is about, where a command that works on locations cures it. */
  | {
      readonly kind: 'alert';
      readonly id: string;
      readonly message: string;
      readonly location?: { readonly id: string; readonly name: string };
      /** The one that it is about, where verifying that cures it. */
      readonly passkey?: { readonly id: string; readonly name: string };
    }
  | { readonly kind: 'action'; readonly id: string };

export type SubjectKind = Subject['kind'];

export type SubjectOf<Kind extends SubjectKind> = Extract<Subject, { readonly kind: Kind }>;

/** A product icon and, where it says something, a theme colour. */
export interface RowIcon {
  readonly name: string;
  readonly color?: string;
}

/** A place in a restore point: the icon of such a row is the one that the user's theme gives to its name. */
export interface RowResource {
  readonly restorePointId: string;
  readonly path: string;
  readonly isFolder: boolean;
  /** Whether Enter shows its content in an editor. */
  readonly opens: boolean;
}

/** The colours of the icons, by what they say. */
export const rowColors = {
  error: 'list.errorForeground',
  warning: 'list.warningForeground',
  good: 'testing.iconPassed',
  faint: 'disabledForeground',
} as const;

export interface RowFacts {
  /** Stable over refreshes and unique in its tree. */
  readonly id: string;
  /** The thing. Names of others are made fit to be shown first (client/shown/text.ts). */
  readonly label: string;
  /** Its state. */
  readonly description?: string;
  readonly icon?: RowIcon;
  /** In the place of an icon. */
  readonly resource?: RowResource;
  /** Facts, one a line: name and value. Shown as text, never as markup. */
  readonly tooltip?: readonly (readonly [name: string, value: string])[];
  /** For screen readers: label and state as one sentence. */
  readonly accessibleLabel: string;
  /** Base and tags of `contextValue`, for example `policy` with `paused`. */
  readonly context: readonly [base: string, ...tags: readonly string[]];
  readonly subject?: Subject;
  readonly isExpanded?: boolean;
  /** What Enter does, where that is opening something. */
  readonly opens?: { readonly command: string; readonly title: string; readonly args: readonly unknown[] };
  /** Asked for when the row is opened; a row without it is a leaf. */
  readonly children?: () => Promise<readonly Row[]>;
  /** What is below it never changes: what was fetched of it stays when the row itself is listed anew. */
  readonly keepsChildren?: boolean;
  /** Of a row that stands for what was not fetched yet: fetches it, so that the row above has more below it. */
  readonly more?: () => Promise<void>;
}

/** One row of a tree: facts only, so that what a view shows can be tested without the editor. */
export class Row {
  #facts: RowFacts;
  /** Set by the tree that shows it. */
  parent: Row | undefined;

  constructor(facts: RowFacts) {
    this.#facts = facts;
  }

  get facts(): RowFacts {
    return this.#facts;
  }

  /** The thing changed: the row itself stays, and with it what is selected and what is open. */
  renew(facts: RowFacts): void {
    const { children } = this.#facts;
    this.#facts = facts.keepsChildren === true && children !== undefined ? { ...facts, children } : facts;
  }
}

/** `contextValue` of a row: its base and tags, as the menus' conditions look for them. */
export function contextValueOf({ context: [base, ...tags] }: RowFacts): string {
  return [base, ...tags.map((tag) => `+${tag}`)].join('');
}
