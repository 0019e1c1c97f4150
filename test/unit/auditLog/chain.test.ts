import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { ChainCheck, chainHash, type ChainReport } from '../../../daemon/auditLog/chain.ts';
import type { AuditRow } from '../../../daemon/catalog/auditStore.ts';
import { chainOf, relinked } from '../../support/auditChain.ts';

function checked(rows: readonly AuditRow[], wanted?: Uint8Array): ChainReport {
  const check = new ChainCheck(wanted);
  for (const row of rows) if (!check.take(row)) break;
  return check.report;
}

const verbs = ['session.unlock', 'policy.edit', 'restorePoint.retire', 'location.remove', 'passkey.retire', 'session.lock', 'alert.snooze'];
const chain = chainOf(verbs);
const last = chain.at(-1);

function rowAt(index: number): AuditRow {
  const row = chain[index];
  assert.ok(row);
  return row;
}

describe('the chain of the audit log', () => {
  it('hashes as docs/format.md says, which another program has worked out', () => {
    const first = chainHash(undefined, '{"sequence":1,"verb":"session.lock","outcome":"done","ends":null}');
    assert.equal(Buffer.from(first).toString('hex'), 'a9218fb89bd665a5677d25972df3e203b8f04917dd58bba2085b6a0df675df1c');
    const second = chainHash({ sequence: 1, hash: first }, '{"sequence":2,"verb":"ü","outcome":"done","ends":null}');
    assert.equal(Buffer.from(second).toString('hex'), 'a061f2687905f1f1c0c664b0e2252292917c81fef76f4ceccf21bf102490adf9');
  });

  it('holds as it was written, from nothing to any length', () => {
    assert.deepEqual(checked([]), { head: undefined, firstBad: undefined, found: undefined });
    const { head, firstBad } = checked(chain);
    assert.deepEqual([head?.sequence, firstBad], [verbs.length, undefined]);
    assert.deepEqual(head?.hash, last?.hash);
  });

  it('finds the row of a hash that was kept outside', () => {
    assert.equal(checked(chain, rowAt(2).hash).found, 3);
    assert.equal(checked(chain, Buffer.alloc(32, 7)).found, undefined);
  });

  const at = fc.nat({ max: verbs.length - 1 });

  it('R10: names the first row that was changed, whatever of it was', () => {
    const changes: readonly ((row: AuditRow, bit: number) => AuditRow)[] = [
      (row, bit) => ({ ...row, entry: flipped(row.entry, bit) }),
      (row, bit) => ({ ...row, hash: flippedBytes(row.hash, bit) }),
      (row) => ({ ...row, outcome: 'refused' }),
      (row) => ({ ...row, ends: (row.ends ?? 0) + 1 }),
      (row) => ({ ...row, entry: `${row.entry} ` }),
    ];
    fc.assert(
      fc.property(at, fc.nat(), fc.constantFrom(...changes), (index, bit, change) => {
        const { firstBad, head } = checked(chain.map((row, each) => (each === index ? change(row, bit) : row)));
        assert.deepEqual(firstBad, { sequence: index + 1, problem: 'changed' });
        assert.equal(head?.sequence ?? 0, index);
      }),
    );
  });

  it('R10: names the first row that was removed', () => {
    fc.assert(
      fc.property(fc.nat({ max: verbs.length - 2 }), fc.integer({ min: 1, max: 3 }), (index, count) => {
        const rest = [...chain.slice(0, index), ...chain.slice(index + count)];
        const { firstBad } = checked(rest, last?.hash);
        if (index + count < chain.length) assert.deepEqual(firstBad, { sequence: index + 1, problem: 'missing' });
        else assert.equal(firstBad, undefined);
        assert.equal(checked(rest, last?.hash).found, undefined);
      }),
    );
  });

  it('R10: names the row behind one that was removed where the numbers were closed up', () => {
    fc.assert(
      fc.property(fc.nat({ max: verbs.length - 2 }), (index) => {
        const closed = chain.toSpliced(index, 1).map((row, each) => (each < index ? row : { ...row, sequence: row.sequence - 1 }));
        assert.deepEqual(checked(closed).firstBad, { sequence: index + 1, problem: 'changed' });
      }),
    );
  });

  it('R10: names a row that was put in between, a doubled one, and one before the first', () => {
    fc.assert(
      fc.property(at, at, (index, from) => {
        const planted = { ...rowAt(from), sequence: index + 1 };
        const { firstBad } = checked(chain.toSpliced(index, 0, planted));
        // The row itself, doubled: the second of the two is the wrong one.
        assert.deepEqual(firstBad, { sequence: index + 1, problem: 'changed' });
      }),
    );
    assert.deepEqual(checked([{ ...rowAt(0), sequence: 0 }, ...chain]).firstBad, { sequence: 0, problem: 'changed' });
  });

  it('R10: names the first of two rows that changed places, with their numbers or without', () => {
    fc.assert(
      fc.property(at, at, (one, other) => {
        fc.pre(one < other);
        const swapped = chain.with(one, { ...rowAt(other), sequence: one + 1 }).with(other, { ...rowAt(one), sequence: other + 1 });
        assert.deepEqual(checked(swapped).firstBad, { sequence: one + 1, problem: 'changed' });
        const moved = chain.with(one, rowAt(other)).with(other, rowAt(one));
        assert.equal(checked(moved).firstBad?.sequence, one + 1);
      }),
    );
  });

  it('R10: does not have a head from outside any more once its end was cut, and can not know it without one', () => {
    for (let length = 0; length < chain.length; length += 1) {
      const { firstBad, found } = checked(chain.slice(0, length), last?.hash);
      assert.deepEqual([firstBad, found], [undefined, undefined]);
    }
  });

  it('R10: that was written anew from some row on, by somebody who knows how, shows by every head from behind it and by none from before', () => {
    fc.assert(
      fc.property(at, at, (index, kept) => {
        const forged = relinked(
          chain.map((row, each) => (each === index ? { ...row, entry: row.entry.replace('"verb":"', '"verb":"no') } : row)),
        );
        const { firstBad, found } = checked(forged, rowAt(kept).hash);
        assert.deepEqual([firstBad, found], [undefined, kept < index ? kept + 1 : undefined]);
      }),
    );
  });

  it('R10: names a number that comes twice, however well it is hashed', () => {
    const twice = relinked([rowAt(0), rowAt(1), rowAt(1), rowAt(2)]);
    assert.deepEqual(checked(twice).firstBad, { sequence: 2, problem: 'changed' });
  });

  it('M1: takes a row that holds no entry for broken, however well it is hashed', () => {
    for (const entry of ['', 'null', '[]', '{', '"x"', '{"sequence":1}', '{"sequence":2,"outcome":"done","ends":null}']) {
      const [row] = relinked([{ sequence: 1, outcome: 'done', ends: null, entry, hash: new Uint8Array(32) }]);
      assert.ok(row);
      assert.equal(checked([row]).firstBad?.sequence, 1, entry);
    }
    fc.assert(
      fc.property(fc.string(), (entry) => {
        const [row] = relinked([{ sequence: 1, outcome: 'done', ends: null, entry, hash: new Uint8Array(32) }]);
        assert.ok(row && checked([row]).firstBad !== undefined);
      }),
    );
  });
});

function flipped(text: string, bit: number): string {
  const index = bit % text.length;
  return `${text.slice(0, index)}${String.fromCharCode(text.charCodeAt(index) ^ 1)}${text.slice(index + 1)}`;
}

function flippedBytes(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const index = bit % copy.length;
  return copy.with(index, (copy[index] ?? 0) ^ 1);
}
