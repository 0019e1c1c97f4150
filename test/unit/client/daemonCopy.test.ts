import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { copyDaemon, type DaemonCopy } from '../../../client/daemonCopy.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { programVersion } from '../../../protocol/version.ts';

const hour = 60 * 60 * 1000;

/** A small program, and a state directory to copy it to. */
class Scratch implements Disposable {
  readonly folder: string = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'hf-copy-')));
  readonly from: string = path.join(this.folder, 'from');
  readonly state: string = path.join(this.folder, 'state');
  readonly programs: string = path.join(this.state, 'programs');
  now = 1_800_000_000_000;

  constructor() {
    mkdirSync(this.from);
    this.write('main.js', 'console.log(1);\n');
    this.write('worker.js', 'console.log(2);\n');
    this.write('main.js.map', '{}');
  }

  write(name: string, contents: string): void {
    writeFileSync(path.join(this.from, name), contents);
  }

  copy(): Promise<DaemonCopy> {
    return copyDaemon({ from: this.from, stateDirectory: this.state, now: () => this.now });
  }

  /** Files below a copy with their contents. */
  contents(folder: string): Readonly<Record<string, string>> {
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory());
    return Object.fromEntries(
      files.map((entry) => {
        const file = path.join(entry.parentPath, entry.name);
        return [path.relative(folder, file), readFileSync(file, 'utf8')] as const;
      }),
    );
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const whole = { 'package.json': '{"type":"module"}\n', 'daemon/main.js': 'console.log(1);\n', 'daemon/worker.js': 'console.log(2);\n' };

describe("copy of the daemon's program", () => {
  it('holds the scripts and the mark of modules, named by version and contents, for this user alone', async () => {
    using scratch = new Scratch();
    const { folder, entryPath, removed } = await scratch.copy();
    assert.deepEqual(scratch.contents(folder), whole);
    assert.equal(entryPath, path.join(folder, 'daemon', 'main.js'));
    assert.equal(path.dirname(folder), scratch.programs);
    assert.match(path.basename(folder), new RegExp(`^${programVersion.replaceAll('.', '\\.')}-[0-9a-f]{32}$`));
    assert.deepEqual(removed, []);
    for (const name of ['', 'daemon']) assert.equal(lstatSync(path.join(folder, name)).mode & 0o777, 0o700, name);
    for (const name of Object.keys(whole)) assert.equal(lstatSync(path.join(folder, name)).mode & 0o777, 0o600, name);
    assert.deepEqual(readdirSync(scratch.programs), [path.basename(folder)], 'nothing temporary is left');
  });

  it('has the command line that lies beside the daemon, so that it finds its own; damage is put right there too', async () => {
    using scratch = new Scratch();
    assert.equal((await scratch.copy()).commandLinePath, undefined);
    mkdirSync(path.join(scratch.folder, 'cli'));
    writeFileSync(path.join(scratch.folder, 'cli', 'main.js'), 'console.log(4);\n');
    const { folder, commandLinePath = '' } = await scratch.copy();
    const withBoth = { ...whole, 'cli/main.js': 'console.log(4);\n' };
    assert.equal(commandLinePath, path.join(folder, 'cli', 'main.js'));
    assert.deepEqual(scratch.contents(folder), withBoth);
    assert.equal(lstatSync(path.dirname(commandLinePath)).mode & 0o777, 0o700);
    writeFileSync(commandLinePath, 'console.log(5);\n');
    writeFileSync(path.join(folder, 'cli', 'stranger.js'), '');
    await scratch.copy();
    assert.deepEqual(scratch.contents(folder), withBoth);
    rmSync(path.dirname(commandLinePath), { recursive: true });
    await scratch.copy();
    assert.deepEqual(scratch.contents(folder), withBoth);
  });

  it('is written once: another call finds it whole', async () => {
    using scratch = new Scratch();
    const { folder } = await scratch.copy();
    const before = lstatSync(path.join(folder, 'daemon', 'main.js'));
    const again = await scratch.copy();
    const after = lstatSync(path.join(again.folder, 'daemon', 'main.js'));
    assert.deepEqual([again.folder, after.ino, after.mtimeMs], [folder, before.ino, before.mtimeMs]);
  });

  it('of other contents, or of the same in other files, has another name', async () => {
    using scratch = new Scratch();
    const folders = [(await scratch.copy()).folder];
    scratch.write('worker.js', 'console.log(3);\n');
    folders.push((await scratch.copy()).folder);
    renameSync(path.join(scratch.from, 'worker.js'), path.join(scratch.from, 'x.js'));
    scratch.write('worker.js', '');
    folders.push((await scratch.copy()).folder);
    assert.equal(new Set(folders).size, 3);
  });

  const damages: Readonly<Record<string, (folder: string) => void>> = {
    'a changed byte': (folder) => writeFileSync(path.join(folder, 'daemon', 'main.js'), 'console.log(9);\n'),
    'a file that is cut short': (folder) => truncateSync(path.join(folder, 'daemon', 'worker.js'), 3),
    'a missing file': (folder) => rmSync(path.join(folder, 'daemon', 'worker.js')),
    'a missing mark of modules': (folder) => rmSync(path.join(folder, 'package.json')),
    'only the outer folder': (folder) => rmSync(path.join(folder, 'daemon'), { recursive: true }),
    'a file in place of the inner folder': (folder) => {
      rmSync(path.join(folder, 'daemon'), { recursive: true });
      writeFileSync(path.join(folder, 'daemon'), 'x');
    },
    'a folder in place of a file': (folder) => {
      rmSync(path.join(folder, 'daemon', 'worker.js'));
      mkdirSync(path.join(folder, 'daemon', 'worker.js', 'deep'), { recursive: true });
    },
    'a file too many': (folder) => writeFileSync(path.join(folder, 'daemon', 'package.json'), '{}'),
    'modules beside it': (folder) => mkdirSync(path.join(folder, 'node_modules', 'ws'), { recursive: true }),
    'files that others may write': (folder) => chmodSync(path.join(folder, 'daemon', 'main.js'), 0o666),
    'a folder that others may write to': (folder) => chmodSync(path.join(folder, 'daemon'), 0o777),
    'an outer folder that others may write to': (folder) => chmodSync(folder, 0o777),
    'a link in place of a file': (folder) => {
      const file = path.join(folder, 'daemon', 'main.js');
      renameSync(file, path.join(folder, '..', '..', 'elsewhere.js'));
      symlinkSync(path.join(folder, '..', '..', 'elsewhere.js'), file);
    },
  };
  for (const [what, damage] of Object.entries(damages)) {
    it(`is put right: ${what}`, async () => {
      using scratch = new Scratch();
      const { folder } = await scratch.copy();
      damage(folder);
      assert.equal((await scratch.copy()).folder, folder);
      assert.deepEqual(scratch.contents(folder), whole);
      for (const name of ['', 'daemon']) assert.equal(lstatSync(path.join(folder, name)).mode & 0o777, 0o700, name);
      for (const name of Object.keys(whole)) {
        const facts = lstatSync(path.join(folder, name));
        assert.ok(facts.isFile() && (facts.mode & 0o777) === 0o600, name);
      }
      assert.equal(existsSync(path.join(folder, 'node_modules')), false);
      assert.deepEqual(readdirSync(scratch.programs), [path.basename(folder)]);
    });
  }

  it('M6: a link in place of the copy or of the folder of all copies is refused, and nothing is written where it leads', async () => {
    for (const at of ['copy', 'programs'] as const) {
      using scratch = new Scratch();
      const { folder } = await scratch.copy();
      const place = at === 'copy' ? folder : scratch.programs;
      const trap = path.join(scratch.folder, 'trap');
      mkdirSync(trap);
      rmSync(place, { recursive: true });
      symlinkSync(trap, place);
      await assert.rejects(
        () => scratch.copy(),
        (error) =>
          HoldfastError.is(error, 'refusedByRule') && /^Failed to use .* for the daemon's program: it is no folder\.$/.test(error.message),
      );
      assert.deepEqual(readdirSync(trap), []);
    }
  });

  it('is refused from a folder that holds no whole program, and nothing is left behind', async () => {
    for (const name of ['main.js', 'worker.js']) {
      using scratch = new Scratch();
      rmSync(path.join(scratch.from, name));
      await assert.rejects(
        () => scratch.copy(),
        (error) => HoldfastError.is(error, 'failed') && error.message.endsWith(`${name} is missing.`),
      );
      assert.equal(existsSync(scratch.state), false);
    }
  });

  it('says in a sentence where the disk refuses', async () => {
    using scratch = new Scratch();
    writeFileSync(scratch.state, 'a file');
    await assert.rejects(
      () => scratch.copy(),
      (error) => HoldfastError.is(error, 'diskFailed') && error.message.startsWith("Failed to copy the daemon's program into "),
    );
  });

  it('is made by many at once, and each gets a whole one', async () => {
    using scratch = new Scratch();
    const copies = await Promise.all(Array.from({ length: 12 }, () => scratch.copy()));
    assert.equal(new Set(copies.map(({ folder }) => folder)).size, 1);
    const folder = copies[0]?.folder ?? '';
    assert.deepEqual(scratch.contents(folder), whole);
    truncateSync(path.join(folder, 'daemon', 'worker.js'), 1);
    rmSync(path.join(folder, 'package.json'));
    await Promise.all(Array.from({ length: 12 }, () => scratch.copy()));
    assert.deepEqual(scratch.contents(folder), whole);
    assert.deepEqual(readdirSync(scratch.programs), [path.basename(folder)]);
  });
});

/** Three versions one after the other; gives their names. */
async function three(scratch: Scratch): Promise<readonly string[]> {
  const names: string[] = [];
  for (const text of ['one', 'two', 'three']) {
    scratch.write('main.js', text);
    names.push(path.basename((await scratch.copy()).folder));
  }
  return names;
}

describe('old copies', () => {
  it('go once they have not been looked at for an hour, and not before', async () => {
    using scratch = new Scratch();
    const [one, two, last] = await three(scratch);
    scratch.now += hour - 1;
    assert.deepEqual((await scratch.copy()).removed, []);
    scratch.now += 1;
    assert.deepEqual((await scratch.copy()).removed.toSorted(), [one ?? '', two ?? ''].toSorted());
    assert.deepEqual(readdirSync(scratch.programs), [last]);
  });

  it('stay where the daemon of the endpoint file runs from them, or the service starts them', async () => {
    using scratch = new Scratch();
    const [one, two, last] = await three(scratch);
    const entryOf = (name: string | undefined): string => path.join(scratch.programs, name ?? '', 'daemon', 'main.js');
    writeFileSync(path.join(scratch.programs, 'service'), `${entryOf(two)}\n`, { mode: 0o600 });
    writeFileSync(path.join(scratch.state, 'endpoint.json'), JSON.stringify(endpointFrom(entryOf(one), scratch.state)), { mode: 0o600 });
    scratch.now += 2 * hour;
    assert.deepEqual((await scratch.copy()).removed, []);
    rmSync(path.join(scratch.state, 'endpoint.json'));
    assert.deepEqual((await scratch.copy()).removed, [one]);
    rmSync(path.join(scratch.programs, 'service'));
    assert.deepEqual((await scratch.copy()).removed, [two]);
    assert.deepEqual(readdirSync(scratch.programs), [last]);
  });

  it('that a crash left half made go too', async () => {
    using scratch = new Scratch();
    await scratch.copy();
    const half = path.join(scratch.programs, '.new-0011');
    mkdirSync(path.join(half, 'daemon'), { recursive: true });
    utimesSync(half, scratch.now / 1000, scratch.now / 1000);
    assert.deepEqual((await scratch.copy()).removed, []);
    scratch.now += hour;
    assert.deepEqual((await scratch.copy()).removed, ['.new-0011']);
  });

  it('that are links are taken away without a look at where they lead', async () => {
    using scratch = new Scratch();
    await scratch.copy();
    const kept = path.join(scratch.folder, 'kept');
    mkdirSync(kept);
    writeFileSync(path.join(kept, 'file'), 'x');
    symlinkSync(kept, path.join(scratch.programs, 'old'));
    scratch.now = Date.now() + 2 * hour;
    assert.deepEqual((await scratch.copy()).removed, ['old']);
    assert.deepEqual(readdirSync(kept), ['file']);
  });
});

function endpointFrom(entryPath: string, stateDirectory: string): object {
  return {
    path: '/run/x.sock',
    pid: 1,
    protocol: { major: 1, minor: 0 },
    programVersion,
    instanceId: '0'.repeat(32),
    proofKey: '0'.repeat(64),
    startedAt: '2026-01-02T03:04:05.678Z',
    stateDirectory,
    runtimePath: process.execPath,
    entryPath,
  };
}
