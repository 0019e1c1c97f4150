import assert from 'node:assert/strict';
import type { SlotId } from '../../../protocol/ids.ts';
import { InstallationBench } from '../../support/installationBench.ts';

const never: AbortSignal = new AbortController().signal;

describe('a passkey that fails its verification', () => {
  it('is called failing where its slot is damaged, told of, and ready again once it opens', async () => {
    using bench = await InstallationBench.ready();
    const { passkeys, catalog } = bench.installation;
    const { slotId } = await passkeys.add('second', { kind: 'passphrase', passphrase: Buffer.from('other') }, false, never);
    const record = catalog.passkeys.list().find((each) => each.slotId === slotId) ?? assert.fail();
    const hostile = record.slot.replace(/"N":\d+/, '"N":4294967296');
    assert.notEqual(hostile, record.slot);
    replaceSlot(bench, record.slotId, hostile);
    bench.changes.length = 0;
    await assert.rejects(passkeys.verify('second', { passphrase: Buffer.from('other') }, never), { code: 'catalogDamaged' });
    assert.equal(catalog.passkeys.get(record.slotId)?.state, 'failing');
    assert.deepEqual(bench.changes, ['passkey']);
    replaceSlot(bench, record.slotId, record.slot);
    assert.equal((await passkeys.verify('second', { passphrase: Buffer.from('other') }, never)).state, 'ready');
  });

  it('is not called failing because of a wrong passphrase', async () => {
    using bench = await InstallationBench.ready();
    const { passkeys } = bench.installation;
    await assert.rejects(passkeys.verify('main', { passphrase: Buffer.from('wrong') }, never), { code: 'wrongSecret' });
    assert.equal(passkeys.resolve('main').state, 'ready');
  });
});

/** What a slot is never changed to by the program. */
function replaceSlot(bench: InstallationBench, slotId: SlotId, slot: string): void {
  const { catalog } = bench.installation;
  const get = catalog.passkeys.get.bind(catalog.passkeys);
  const list = catalog.passkeys.list.bind(catalog.passkeys);
  catalog.passkeys.get = (id) => {
    const record = get(id);
    return record?.slotId === slotId ? { ...record, slot } : record;
  };
  catalog.passkeys.list = () => list().map((record) => (record.slotId === slotId ? { ...record, slot } : record));
}
