/**
 * What stands in for the editor's module where the extension's facts are looked at without an editor: texts and values, and nothing that shows anything.
 * test/support/mochaHooks.ts puts it in the place of `vscode`. What needs more of the editor is tested in the real one.
 */

export const l10n = {
  /** As the editor does without a bundle: numbered places are filled. */
  t: (message: string, ...args: readonly unknown[]): string =>
    message.replaceAll(/\{(\d+)\}/g, (place, index: string) => (Number(index) < args.length ? String(args[Number(index)]) : place)),
};

export const env = { language: 'en' };

type Listener<Value> = (value: Value) => void;

export class EventEmitter<Value> {
  readonly #listeners = new Set<Listener<Value>>();

  readonly event: (listener: Listener<Value>) => { dispose(): void } = (listener) => {
    this.#listeners.add(listener);
    return { dispose: () => void this.#listeners.delete(listener) };
  };

  fire(value: Value): void {
    for (const listener of this.#listeners) listener(value);
  }

  dispose(): void {
    this.#listeners.clear();
  }
}

export const TreeItemCollapsibleState = { None: 0, Collapsed: 1, Expanded: 2 } as const;

export class TreeItem {
  readonly label: string;
  readonly collapsibleState: number;

  constructor(label: string, collapsibleState = 0) {
    this.label = label;
    this.collapsibleState = collapsibleState;
  }
}

export class ThemeColor {
  readonly id: string;

  constructor(id: string) {
    this.id = id;
  }
}

export class ThemeIcon {
  static readonly File: ThemeIcon = new ThemeIcon('file');
  static readonly Folder: ThemeIcon = new ThemeIcon('folder');
  readonly id: string;
  readonly color: ThemeColor | undefined;

  constructor(id: string, color?: ThemeColor) {
    this.id = id;
    this.color = color;
  }
}

/** Markdown of which text is escaped as the editor escapes it. */
export class MarkdownString {
  value: string;
  isTrusted: unknown = false;

  constructor(value = '') {
    this.value = value;
  }

  appendText(text: string): this {
    this.value += text.replaceAll(/[\\`*_{}[\]()#+\-!~<>$|]/g, String.raw`\$&`);
    return this;
  }

  appendMarkdown(text: string): this {
    this.value += text;
    return this;
  }
}

interface UriParts {
  readonly scheme: string;
  readonly authority?: string;
  readonly path?: string;
  readonly query?: string;
}

export class Uri {
  readonly scheme: string;
  readonly authority: string;
  readonly path: string;
  readonly query: string;

  private constructor({ scheme, authority = '', path = '', query = '' }: UriParts) {
    this.scheme = scheme;
    this.authority = authority;
    this.path = path;
    this.query = query;
  }

  static from(parts: UriParts): Uri {
    return new Uri(parts);
  }

  static file(path: string): Uri {
    return new Uri({ scheme: 'file', path });
  }
}
