import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { CatalogFolder, someLocation } from '../support/catalog.ts';
import { assertWhole } from '../support/catalogTransactions.ts';
import { SeededRandom } from '../support/random.ts';

const writer = fileURLToPath(new URL('../support/catalogWriter.ts', import.meta.url));
const location = someLocation();

function startWriter(path: string, name: string, count: number): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [writer, path, location.locationId, name, String(count)], { stdio: 'pipe' });
}

/** The lines that a writer said, until it ends or `enough` of them have come and `then` was called. */
async function linesOf(
  child: ChildProcessWithoutNullStreams,
  enough = Number.POSITIVE_INFINITY,
  then: () => void = () => undefined,
): Promise<readonly string[]> {
  let text = '';
  let errors = '';
  let isCalled = false;
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    if (isCalled || text.split('\n').length - 1 < enough) return;
    isCalled = true;
    then();
  });
  await once(child, 'close');
  assert.equal(errors, '');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  return whole.split('\n').filter(Boolean);
}

async function numbersOf(...args: Parameters<typeof linesOf>): Promise<readonly number[]> {
  return (await linesOf(...args)).map(Number);
}

describe('catalog and processes', () => {
  let folder: CatalogFolder;
  beforeEach(() => {
    folder = new CatalogFolder();
    const catalog = folder.open();
    catalog.locations.add(location);
    catalog.close();
  });
  afterEach(() => folder[Symbol.dispose]());

  it('X1: keeps every acknowledged transaction, and no half one, when its process is killed in the middle', async function () {
    this.timeout(60_000);
    const seed = Math.trunc(Math.random() * 2 ** 31);
    const random = new SeededRandom(seed);
    const said: number[] = [];
    for (let kill = 0; kill < 6; kill += 1) {
      const child = startWriter(folder.path, `kill${kill}`, 0);
      said.push(...(await numbersOf(child, 1 + random.below(60), () => child.kill('SIGKILL'))));
      const catalog = folder.open();
      try {
        assertWhole(catalog, location.locationId, said);
      } catch (error) {
        throw new Error(`with seed ${seed}, kill ${kill}`, { cause: error });
      }
      catalog.close();
    }
    assert.ok(said.length >= 6);
  });

  it('X7: gives two processes that write at the same time each its own numbers, and stays whole', async function () {
    this.timeout(60_000);
    const open = folder.open();
    const children = ['one', 'two'].map((name) => startWriter(folder.path, name, 40));
    const lists = await Promise.all(children.map((child) => numbersOf(child)));
    const numbers = lists.flat();
    assert.equal(numbers.length, 80);
    assert.equal(new Set(numbers).size, 80, 'a number was given twice');
    assertWhole(open, location.locationId, numbers);
    open.close();
    assertWhole(folder.open(), location.locationId, numbers);
  });

  it('X7: lets one of several processes make a new catalog, and all of them use it', async function () {
    this.timeout(60_000);
    using fresh = new CatalogFolder();
    const starter = `import { openCatalog } from ${JSON.stringify(new URL('../../daemon/catalog/openCatalog.ts', import.meta.url).href)};
      const catalog = openCatalog(process.argv[1]); process.stdout.write(catalog.sequences.next('keyring') + '\\n'); catalog.close();`;
    const children = Array.from({ length: 4 }, () =>
      spawn(process.execPath, ['--input-type=module', '-e', starter, fresh.path], { stdio: 'pipe' }),
    );
    const numbers = (await Promise.all(children.map((child) => numbersOf(child)))).flat();
    assert.deepEqual(
      numbers.toSorted((left, right) => left - right),
      [1, 2, 3, 4],
    );
  });

  it('X5: stops at the first write that the disk does not take, and tries none again', async function () {
    if (process.platform === 'win32') this.skip();
    this.timeout(60_000);
    // A limit for the size of files, whose signal is ignored, makes writes beyond it fail with EFBIG, an input/output error to SQLite.
    const limited = 'ulimit -f 600; trap "" XFSZ; exec "$@"';
    const child = spawn('sh', ['-c', limited, 'sh', process.execPath, writer, folder.path, location.locationId, 'limited', '0'], {
      stdio: 'pipe',
    });
    const said = await linesOf(child);
    const numbers = said.filter((line) => /^\d+$/.test(line)).map(Number);
    assert.ok(numbers.length > 3);
    assert.deepEqual(said.slice(numbers.length), ['diskFailed', 'diskFailed', 'diskFailed', 'diskFailed']);
    const catalog = folder.open();
    assertWhole(catalog, location.locationId, numbers);
    assert.equal(catalog.sequences.last('keyring'), numbers.length, 'nothing came behind the failure');
  });
});
