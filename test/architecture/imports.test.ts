import assert from 'node:assert/strict';
import { type ImportFact, importsOf, type SourceFile, sourcesBelow } from './sourceFiles.ts';

/**
 * The arrows of docs/architecture.md: each room, and what it may import. `types` allows `import type` alone: an interface that a lower
 * room offers for somebody above to fill.
 */
const arrows: Readonly<Record<string, Readonly<Record<string, 'all' | 'types'>>>> = {
  protocol: {},
  client: { protocol: 'all' },
  cli: { client: 'all', protocol: 'all' },
  extension: { client: 'all', protocol: 'all' },
  'daemon/locations': { protocol: 'all' },
  'daemon/locks': { 'daemon/locations': 'types', protocol: 'all' },
  'daemon/catalog': { protocol: 'all' },
  'daemon/actions': { protocol: 'all' },
  'daemon/alerts': { protocol: 'all' },
  'daemon/commands': { protocol: 'all' },
  'daemon/auditLog': { 'daemon/catalog': 'types', 'daemon/actions': 'types', protocol: 'all' },
  'daemon/repository': { 'daemon/locations': 'types', protocol: 'all' },
  'daemon/keys': { 'daemon/repository': 'types', 'daemon/locations': 'all', 'daemon/catalog': 'types', protocol: 'all' },
  'daemon/engine': { 'daemon/repository': 'all', 'daemon/locations': 'types', protocol: 'all' },
  'daemon/installation': {
    'daemon/commands': 'all',
    'daemon/keys': 'all',
    'daemon/catalog': 'all',
    'daemon/locks': 'all',
    'daemon/locations': 'all',
    'daemon/actions': 'all',
    'daemon/alerts': 'all',
    'daemon/repository': 'all',
    protocol: 'all',
  },
  'daemon/immutability': {
    'daemon/installation': 'all',
    'daemon/repository': 'all',
    'daemon/keys': 'all',
    'daemon/catalog': 'all',
    'daemon/locks': 'all',
    'daemon/locations': 'all',
    'daemon/actions': 'all',
    'daemon/alerts': 'all',
    protocol: 'all',
  },
  'daemon/policies': {
    'daemon/installation': 'all',
    'daemon/engine': 'all',
    'daemon/repository': 'all',
    'daemon/keys': 'all',
    'daemon/catalog': 'all',
    'daemon/locks': 'all',
    'daemon/locations': 'all',
    'daemon/commands': 'all',
    'daemon/actions': 'all',
    'daemon/alerts': 'all',
    protocol: 'all',
  },
  'daemon/recovery': {
    'daemon/auditLog': 'all',
    'daemon/installation': 'all',
    'daemon/engine': 'all',
    'daemon/repository': 'all',
    'daemon/keys': 'all',
    'daemon/catalog': 'all',
    'daemon/locks': 'all',
    'daemon/locations': 'all',
    'daemon/actions': 'all',
    'daemon/alerts': 'all',
    protocol: 'all',
  },
  'daemon/server': {
    'daemon/auditLog': 'all',
    'daemon/immutability': 'all',
    'daemon/policies': 'all',
    'daemon/recovery': 'all',
    'daemon/installation': 'all',
    'daemon/engine': 'all',
    'daemon/repository': 'all',
    'daemon/keys': 'all',
    'daemon/catalog': 'all',
    'daemon/locks': 'all',
    'daemon/locations': 'all',
    'daemon/actions': 'all',
    'daemon/commands': 'all',
    'daemon/alerts': 'all',
    protocol: 'all',
  },
  // The entries of the daemon's processes: what a process is made of, and nothing of what it does.
  'daemon/main.ts': { 'daemon/server': 'all', protocol: 'all' },
  'daemon/worker.ts': { 'daemon/engine': 'all', 'daemon/keys': 'all', 'daemon/catalog': 'all', protocol: 'all' },
  'daemon/keyAgent.ts': { 'daemon/keys': 'all' },
};

/** Packages that a room must not know, whatever it does: what they stand for is somebody else's. */
const strangers: readonly { readonly rooms: readonly string[]; readonly packages: RegExp }[] = [
  {
    rooms: ['daemon/repository', 'daemon/engine', 'daemon/locks'],
    packages: /^(vscode|vscode-jsonrpc.*|ws|node:sqlite|commander|node:http|node:net)$/,
  },
  // A bucket is reached over sockets.
  { rooms: ['daemon/locations'], packages: /^(vscode|vscode-jsonrpc.*|ws|node:sqlite|commander|node:http)$/ },
  { rooms: ['protocol', 'client', 'cli'], packages: /^(vscode|node:sqlite|@noble\/.*)$/ },
  {
    rooms: [
      'daemon/catalog',
      'daemon/actions',
      'daemon/auditLog',
      'daemon/commands',
      'daemon/policies',
      'daemon/recovery',
      'daemon/immutability',
      'daemon/installation',
    ],
    packages: /^(vscode|vscode-jsonrpc.*|ws|commander|node:http|node:net)$/,
  },
];

function roomOf(file: string): string {
  const parts = file.split('/');
  return parts[0] === 'daemon' ? parts.slice(0, 2).join('/') : (parts[0] ?? '');
}

function isAllowed(fact: ImportFact): boolean {
  const [from, to] = [roomOf(fact.from), roomOf(fact.to)];
  if (from === to) return true;
  const arrow = arrows[from]?.[to];
  return arrow === 'all' || (arrow === 'types' && fact.isTypeOnly);
}

/** Groups of files that reach each other (Tarjan 1972), each with more than one file. */
function circles(facts: readonly ImportFact[]): readonly (readonly string[])[] {
  const edges = Map.groupBy(facts, (fact) => fact.from);
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const open: string[] = [];
  const found: string[][] = [];
  const visit = (file: string): number => {
    const index = order.size;
    order.set(file, index);
    let low = index;
    open.push(file);
    for (const { to } of edges.get(file) ?? []) {
      if (!order.has(to)) low = Math.min(low, visit(to));
      else if (open.includes(to)) low = Math.min(low, order.get(to) ?? low);
    }
    lowest.set(file, low);
    if (low === index) {
      const group = open.splice(open.indexOf(file));
      if (group.length > 1) found.push(group.toSorted());
    }
    return low;
  };
  for (const file of edges.keys()) if (!order.has(file)) visit(file);
  return found;
}

/** A made-up import, to try the search for circles on. */
function edge(from: string, to: string): ImportFact {
  return { from, to, isOurs: true, isTypeOnly: false, names: [] };
}

function show(facts: readonly ImportFact[]): readonly string[] {
  return facts.map(({ from, to, isTypeOnly }) => `${from} -> ${to}${isTypeOnly ? ' (types)' : ''}`);
}

describe('who imports whom', () => {
  const files = sourcesBelow('protocol', 'client', 'cli', 'extension', 'daemon');
  const facts = importsOf(files);
  const ours = facts.filter((fact) => fact.isOurs);

  it('sees the imports at all', () => {
    assert.ok(files.length > 100);
    assert.ok(ours.length > files.length);
    const sample: SourceFile = {
      path: 'daemon/engine/a.ts',
      text: [
        "import type { A } from '../keys/a.ts';",
        "import { type B, type C } from '../../cli/b.ts';",
        "import {\n  D,\n  type E,\n} from './deep/d.ts';",
        "import * as z from 'zod';",
        "export { F } from '../f.ts';",
        "export * from '../g.ts';",
        "import '../h.ts';",
        "// import { X } from './commented.ts';",
        "const lazy = await import('./lazy.ts');",
      ].join('\n'),
    };
    assert.deepEqual(show(importsOf([sample])), [
      'daemon/engine/a.ts -> daemon/keys/a.ts (types)',
      'daemon/engine/a.ts -> cli/b.ts (types)',
      'daemon/engine/a.ts -> daemon/engine/deep/d.ts',
      'daemon/engine/a.ts -> zod',
      'daemon/engine/a.ts -> daemon/f.ts',
      'daemon/engine/a.ts -> daemon/g.ts',
      'daemon/engine/a.ts -> daemon/h.ts',
      'daemon/engine/a.ts -> daemon/engine/lazy.ts',
    ]);
  });

  it('has every room in the table of arrows', () => {
    assert.deepEqual(
      [...new Set(files.map((file) => roomOf(file.path)))].filter((room) => arrows[room] === undefined),
      [],
    );
  });

  it('has no arrow that goes up or sideways', () => {
    assert.deepEqual(show(ours.filter((fact) => !isAllowed(fact))), []);
  });

  it('allows no arrow in the table that closes a circle of rooms', () => {
    const table = Object.entries(arrows).flatMap(([from, targets]) => Object.keys(targets).map((to) => edge(from, to)));
    assert.deepEqual(circles(table), []);
  });

  it('finds a circle where there is one', () => {
    assert.deepEqual(circles([edge('a', 'b'), edge('b', 'c'), edge('c', 'a'), edge('c', 'd'), edge('d', 'e')]), [['a', 'b', 'c']]);
  });

  it('has no circle between files', () => {
    assert.deepEqual(circles(ours), []);
  });

  it('keeps what a room must not know out of it', () => {
    const broken = facts.filter(
      (fact) => !fact.isOurs && strangers.some(({ rooms, packages }) => rooms.includes(roomOf(fact.from)) && packages.test(fact.to)),
    );
    assert.deepEqual(show(broken), []);
  });

  it('names every import of ours with its extension, so that Node runs the sources as they are', () => {
    assert.deepEqual(show(ours.filter((fact) => !/\.(ts|mjs|json)$/.test(fact.to))), []);
  });
});
