import assert from 'node:assert/strict';
import { ownerOf, unmappedIds } from '../../../../daemon/engine/backup/unmappedIds.ts';

const whole = '         0          0 4294967295\n';

function seen(maps: { readonly uid: string; readonly gid: string }): ReturnType<typeof unmappedIds> {
  const files: Readonly<Record<string, string>> = {
    '/proc/self/uid_map': maps.uid,
    '/proc/self/gid_map': maps.gid,
    '/proc/sys/kernel/overflowuid': '65534\n',
    '/proc/sys/kernel/overflowgid': '65533\n',
  };
  return unmappedIds((file) => files[file] ?? assert.fail(file));
}

describe('ids that a user namespace does not map', () => {
  it('are none where all are mapped, or the system has no such thing', () => {
    assert.equal(seen({ uid: whole, gid: whole }), undefined);
    const missing = Object.assign(new Error('none'), { code: 'ENOENT', syscall: 'open' });
    assert.equal(
      unmappedIds(() => {
        throw missing;
      }),
      undefined,
    );
  });

  it('are what the kernel says where only some are mapped', () => {
    const some = '      1000       1000          1\n';
    const ids = { uid: 65_534, gid: 65_533 };
    assert.deepEqual(seen({ uid: some, gid: some }), ids);
    assert.deepEqual(seen({ uid: whole, gid: some }), ids);
    assert.deepEqual(seen({ uid: '0 1000 1\n1 100000 65536\n', gid: whole }), ids);
  });

  it('are written down as no owner at all; every other owner as it is', () => {
    const unmapped = { uid: 65_534, gid: 65_533 };
    assert.deepEqual(ownerOf({ uid: 1000, gid: 1000 }, unmapped), { owner: { uid: 1000, gid: 1000 } });
    assert.deepEqual(ownerOf({ uid: 65_534, gid: 1000 }, unmapped), {});
    assert.deepEqual(ownerOf({ uid: 1000, gid: 65_533 }, unmapped), {});
    assert.deepEqual(ownerOf({ uid: 65_534, gid: 65_533 }, undefined), { owner: { uid: 65_534, gid: 65_533 } });
  });
});
