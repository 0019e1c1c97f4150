import {
  chmodSync,
  chownSync,
  closeSync,
  ftruncateSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { SeededRandom } from './random.ts';
import { between, sampleText } from './sampleText.ts';

export interface SampleTreeOptions {
  readonly seed: number;
  /** Ordinary small files besides the odd ones. Default 40. */
  readonly files?: number;
  /** Size of the big file of random bytes. Default 3 MiB. */
  readonly bigBytes?: number;
  /** Names that are no UTF-8. Default: on Linux, the one system that takes them everywhere. */
  readonly withInvalidUtf8?: boolean;
}

export interface SampleTree {
  /** Names of files that this user can't read: none as root, who reads everything. */
  readonly unreadable: readonly string[];
  /** All files, symbolic links and hard links' names; folders are not among them. */
  readonly entries: number;
}

const isRoot = process.getuid?.() === 0;
const oddNames: readonly string[] = [
  ' leading and trailing ',
  '-rf',
  '--help',
  '.hidden',
  '...',
  'line\nbreak',
  'tab\tand\u0001control\u007f',
  'back\\slash',
  'quote"\'`$HOME`',
  'star*?[a-z]{x,y}',
  '!not-excluded',
  '#no comment',
  'caf\u00e9 composed',
  'cafe\u0301 decomposed',
  '\u{1f512} lock',
  '\u202eright to left',
  'con.txt',
  'n'.repeat(255),
  '\u00fc'.repeat(127),
];

/** Sets access and modification time with more than milliseconds; ahead of 1970 a number would be taken as "now", so a Date is used there. */
function setTimes(file: Buffer, seconds: number): void {
  if (seconds < 0) utimesSync(file, new Date(seconds * 1000), new Date(seconds * 1000));
  else utimesSync(file, seconds, seconds);
}

/**
 * Makes a tree in `folder` (an absolute path; made where it is not there) that holds what a file system can hold and a backup program
 * can trip over: odd names, modes, owners (as root), times, links of both kinds, sparse files, empty files and folders, a deep path and
 * one big file. The same seed makes the same tree.
 */
export function makeSampleTree(folder: string, options: SampleTreeOptions): SampleTree {
  const random = new SeededRandom(options.seed);
  const at = (...parts: readonly (string | Buffer)[]): Buffer =>
    Buffer.concat([Buffer.from(folder), ...parts.flatMap((part) => [Buffer.from('/'), Buffer.from(part)])]);
  const times: [Buffer, number][] = [];
  const unreadable: string[] = [];
  let entries = 0;
  const file = (path: Buffer, content: Uint8Array, mode = 0o644): void => {
    writeFileSync(path, content);
    chmodSync(path, mode);
    times.push([path, between(random, 1_000_000_000, 1_700_000_000) + between(random, 0, 999_999) / 1e6]);
    entries += 1;
  };
  const dir = (path: Buffer, mode = 0o755): void => {
    mkdirSync(path, { recursive: times.length === 0 });
    chmodSync(path, mode);
    times.push([path, between(random, 1_000_000_000, 1_700_000_000)]);
  };

  dir(at());
  dir(at('odd names'));
  for (const name of oddNames) file(at('odd names', name), sampleText(random, between(random, 1, 200)));
  dir(at('odd names', 'folder\nwith break'));
  file(at('odd names', 'folder\nwith break', 'inside'), sampleText(random, 10));
  if (options.withInvalidUtf8 ?? process.platform === 'linux') {
    file(at('odd names', Buffer.from([0xff, 0xfe, 0x2e, 0x62])), sampleText(random, 20));
    file(at('odd names', Buffer.from([0xff, 0xfd, 0x2e, 0x62])), sampleText(random, 20));
    dir(at('odd names', Buffer.from([0xc3, 0x28])));
    file(at('odd names', Buffer.from([0xc3, 0x28]), Buffer.from([0x80])), sampleText(random, 20));
    symlinkSync(Buffer.from([0x2e, 0x2f, 0xff, 0xfe]), at('odd names', 'to no text'));
    lutimesSync(at('odd names', 'to no text'), 1_234_567_890, 1_234_567_890);
    entries += 1;
  }

  dir(at('sizes'));
  for (const size of [0, 1, 4095, 4096, 4097, 65_536, 131_071, 131_072, 131_073, 524_288])
    file(at('sizes', `bytes ${size}`), random.bytes(size));
  file(at('sizes', 'big'), random.bytes(options.bigBytes ?? 3 * 2 ** 20));
  file(at('sizes', 'zeros'), Buffer.alloc(300_000));
  file(at('sizes', 'twin of text'), sampleText(new SeededRandom(1), 200_000));
  file(at('sizes', 'text'), sampleText(new SeededRandom(1), 200_000));

  dir(at('modes'));
  for (const mode of [0o600, 0o640, 0o755, 0o400, 0o777, 0o2755, 0o4755]) file(at('modes', mode.toString(8)), sampleText(random, 50), mode);
  file(at('modes', 'none'), sampleText(random, 50), 0o000);
  if (!isRoot) unreadable.push('modes/none');
  dir(at('modes', 'sticky'), 0o1777);
  dir(at('modes', 'set group'), 0o2750);
  if (isRoot) {
    file(at('modes', 'of another user'), sampleText(random, 50), 0o640);
    chownSync(at('modes', 'of another user'), 12_345, 54_321);
    // Changing the owner takes set-user-id away, so it comes after.
    chmodSync(at('modes', 'of another user'), 0o6750);
  }

  dir(at('links'));
  file(at('links', 'target'), sampleText(random, 100));
  for (const [name, target] of [
    ['relative', 'target'],
    ['to a folder', '../sizes'],
    ['dangling', 'nowhere at all'],
    ['absolute', '/etc/hostname'],
    ['outside', '../../../../../../../../tmp'],
    ['to itself', 'to itself'],
    ['long', 'x/'.repeat(1000)],
  ] as const) {
    symlinkSync(target, at('links', name));
    lutimesSync(at('links', name), 1_234_567_890, 1_234_567_890);
    entries += 1;
  }
  dir(at('links', 'hard'));
  file(at('links', 'hard', 'first'), random.bytes(70_000), 0o640);
  for (const name of ['hard/second', 'third'] as const) {
    linkSync(at('links', 'hard', 'first'), at('links', name));
    entries += 1;
  }
  file(at('links', 'hard', 'empty first'), Buffer.alloc(0));
  linkSync(at('links', 'hard', 'empty first'), at('links', 'hard', 'empty second'));
  entries += 1;

  dir(at('sparse'));
  for (const [name, size, parts] of [
    ['all hole', 5_000_000, []],
    ['hole first', 8 * 2 ** 20, [7 * 2 ** 20]],
    ['hole last', 8 * 2 ** 20, [0]],
    ['islands', 40 * 2 ** 20, [2 ** 20, 9 * 2 ** 20, 33 * 2 ** 20 + 4096]],
  ] as const) {
    const handle = openSync(at('sparse', name), 'w', 0o644);
    ftruncateSync(handle, size);
    for (const offset of parts) writeSync(handle, random.bytes(65_536), 0, 65_536, offset);
    closeSync(handle);
    times.push([at('sparse', name), 1_500_000_000.25]);
    entries += 1;
  }

  dir(at('empty'));
  for (const parts of [['inside'], ['inside', 'of'], ['inside', 'of', 'empty']]) dir(at('empty', ...parts));
  dir(at('many'));
  for (let index = 0; index < (options.files ?? 40); index += 1) {
    const sub = `part ${index % 7}`;
    if (index < 7) dir(at('many', sub));
    file(at('many', sub, `file ${index}.txt`), sampleText(random, between(random, 0, 6000)));
  }
  const deep = Array.from({ length: 30 }, (_, index) => `level ${index} ${'d'.repeat(20)}`);
  for (let depth = 1; depth <= deep.length; depth += 1) dir(at(...deep.slice(0, depth)));
  file(at(...deep, 'bottom'), sampleText(random, 40));

  dir(at('times'));
  for (const [name, seconds] of [
    ['before 1970', -86_400 * 365],
    ['start of 1970', 0],
    ['far future', 4_102_444_800],
    ['with nanoseconds', 1_600_000_000.123456],
  ] as const) {
    file(at('times', name), sampleText(random, 10));
    times.push([at('times', name), seconds]);
  }
  // Deepest first: writing an entry changes the time of its folder.
  for (const [path, seconds] of times.toSorted(([a], [b]) => b.length - a.length)) setTimes(path, seconds);
  return { unreadable, entries };
}
