import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { Connection } from '../../../daemon/catalog/connection.ts';
import { HoldfastError } from '../../../protocol/errors.ts';

/** As node:sqlite throws it; 1034 is SQLITE_IOERR_FSYNC. */
function sqliteError(errcode: number): Error {
  return Object.assign(new Error('simulated'), { code: 'ERR_SQLITE_ERROR', errcode });
}

function failWith(errcode: number): () => never {
  return () => {
    throw sqliteError(errcode);
  };
}

describe('connection of the catalog', () => {
  let connection: Connection;
  beforeEach(() => {
    connection = new Connection(new DatabaseSync(':memory:'));
    connection.database.exec('CREATE TABLE rows (number INTEGER)');
  });
  afterEach(() => connection.close());

  const insert = (): void => connection.database.exec('INSERT INTO rows VALUES (1)');
  const count = (): unknown => connection.database.prepare('SELECT count(*) AS n FROM rows').get()?.['n'];

  for (const [title, fail] of [
    ['in a write of its own', () => connection.write('write', failWith(1034))],
    ['within a transaction', () => connection.transaction(() => connection.write('write', failWith(1034)))],
    ['at the end of a transaction', () => connection.transaction(failWith(1034))],
  ] as const) {
    it(`X5: is fail-stop after a failed fsync ${title}: no write is tried again, reading goes on`, () => {
      assert.throws(fail, (error) => HoldfastError.is(error, 'diskFailed'));
      for (const again of [() => connection.write('write', insert), () => connection.transaction(insert)]) {
        assert.throws(again, (error) => HoldfastError.is(error, 'diskFailed'));
      }
      assert.equal(connection.read('read', count), 0);
      assert.ok(!connection.database.isTransaction);
    });
  }

  it('X4: goes on after a full disk, once there is room', () => {
    assert.throws(
      () =>
        connection.transaction(() => {
          insert();
          failWith(13)();
        }),
      (error) => HoldfastError.is(error, 'diskFailed'),
    );
    connection.transaction(insert);
    assert.equal(count(), 1);
  });

  for (const [errcode, code] of [
    [5, 'failed'],
    [261, 'failed'],
    [8, 'diskFailed'],
    [14, 'diskFailed'],
    [11, 'catalogDamaged'],
    [267, 'catalogDamaged'],
    [26, 'catalogDamaged'],
    [19, 'failed'],
  ] as const) {
    it(`gives SQLite's result ${errcode} as ${code}`, () => {
      assert.throws(
        () => connection.read('read the catalog', failWith(errcode)),
        (error) => HoldfastError.is(error, code) && error.message.startsWith('Failed to read the catalog: '),
      );
    });
  }
});
