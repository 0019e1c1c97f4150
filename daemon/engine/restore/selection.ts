/** What of a folder is wanted. */
export interface Selected {
  /** All below it. */
  readonly isAll: boolean;
  /** What is wanted of the entry `name`; `undefined`: nothing. */
  below(name: string): Selected | undefined;
}

const all: Selected = { isAll: true, below: () => all };

class Node implements Selected {
  readonly children = new Map<string, Node>();
  /** The path ends here: everything below is wanted. */
  isEnd = false;
  wasFound = false;

  get isAll(): boolean {
    return this.isEnd;
  }

  below(name: string): Selected | undefined {
    if (this.isEnd) return all;
    const child = this.children.get(name);
    if (child !== undefined) child.wasFound = true;
    return child;
  }
}

/** The paths that a restore is to bring back, as a tree of names. */
export class Selection {
  readonly root: Selected;
  readonly #node: Node | undefined;

  private constructor(node: Node | undefined) {
    this.#node = node;
    this.root = node ?? all;
  }

  /** `paths`: raw, with `/` between names; an empty one, or `undefined` in place of the list, stands for everything. */
  static of(paths: readonly Uint8Array[] | undefined): Selection {
    if (paths === undefined) return new Selection(undefined);
    const top = new Node();
    for (const path of paths) {
      let node = top;
      for (const name of Buffer.from(path).toString('latin1').split('/')) {
        if (name === '') continue;
        const next = node.children.get(name) ?? new Node();
        node.children.set(name, next);
        node = next;
      }
      node.isEnd = true;
    }
    return new Selection(top);
  }

  get isEmpty(): boolean {
    return this.#node !== undefined && !this.#node.isEnd && this.#node.children.size === 0;
  }

  /** Paths that were asked for and not met. */
  notFound(): string[] {
    const missing: string[] = [];
    const look = (node: Node, path: string): void => {
      for (const [name, child] of node.children) {
        const childPath = path === '' ? name : `${path}/${name}`;
        if (!child.wasFound) missing.push(childPath);
        else if (!child.isEnd) look(child, childPath);
      }
    };
    if (this.#node !== undefined && !this.#node.isEnd) look(this.#node, '');
    return missing;
  }
}
