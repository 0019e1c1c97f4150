import assert from 'node:assert/strict';
import * as z from 'zod';
import { FakeDaemon } from './fakeDaemon.ts';
import { runWith } from './fakeHost.ts';
import { location, policy } from './samples.ts';

const limits = z.looseObject({
  uploadLimit: z.number().nullish(),
  readLimit: z.number().nullish(),
  lowPriority: z.boolean().optional(),
});
const mebibyte = 1024 * 1024;

describe('cli limits', () => {
  it('go with a location when it is added and changed; 0 takes one away', async () => {
    const cases: readonly (readonly [args: readonly string[], method: string, expected: number | null | undefined])[] = [
      [['add', 'filesystem', 'disk', '--path', '/b', '--upload-limit', '5MiB'], 'location.add', 5 * mebibyte],
      [['add', 'filesystem', 'disk', '--path', '/b', '--upload-limit', '0'], 'location.add', undefined],
      [['add', 'filesystem', 'disk', '--path', '/b'], 'location.add', undefined],
      [['edit', 'disk', '--upload-limit', '1000'], 'location.edit', 1000],
      [['edit', 'disk', '--upload-limit', '0'], 'location.edit', null],
    ];
    for (const [args, method, expected] of cases) {
      const daemon = new FakeDaemon({ [method]: () => ({ location, checks: [] }) });
      assert.equal((await runWith(['location', ...args], { daemon })).status, 0, args.join(' '));
      const params = limits.parse(daemon.of(method)[0]?.params);
      assert.equal(params.uploadLimit, expected, args.join(' '));
    }
    const wrong = await runWith(['location', 'edit', 'disk', '--upload-limit', 'fast'], { daemon: new FakeDaemon({}) });
    assert.equal(wrong.status, 2);
  });

  it('are shown in the list of locations', async () => {
    const items = [{ ...location, uploadLimit: 5 * mebibyte }];
    const { out } = await runWith(['location', 'list'], { daemon: new FakeDaemon({ 'location.list': () => ({ items, next: null }) }) });
    assert.match(out, /LIMIT/);
    assert.match(out, /5(\.0+)? MiB\/s/);
  });

  it('go with a policy when it is made and changed, and are shown', async () => {
    const make = ['create', 'work', '--source', 'a', '--location', 'disk'];
    const cases: readonly (readonly [args: readonly string[], method: string, expected: object])[] = [
      [make, 'policy.create', { readLimit: null, lowPriority: false }],
      [[...make, '--read-limit', '20MiB', '--low-priority'], 'policy.create', { readLimit: 20 * mebibyte, lowPriority: true }],
      [['edit', 'work', '--read-limit', '0', '--no-low-priority'], 'policy.edit', { readLimit: null, lowPriority: false }],
      [['edit', 'work', '--low-priority'], 'policy.edit', { readLimit: undefined, lowPriority: true }],
    ];
    for (const [args, method, expected] of cases) {
      const daemon = new FakeDaemon({ [method]: () => policy });
      assert.equal((await runWith(['policy', ...args], { daemon })).status, 0, args.join(' '));
      const { readLimit, lowPriority } = limits.parse(daemon.of(method)[0]?.params);
      assert.deepEqual({ readLimit, lowPriority }, expected, args.join(' '));
    }
    const shown = { ...policy, readLimit: 20 * mebibyte, lowPriority: true };
    const { out } = await runWith(['policy', 'show', 'work'], { daemon: new FakeDaemon({ 'policy.show': () => shown }) });
    assert.match(out, /reads 20(\.0+)? MiB\/s at most, lets other work go first/);
  });
});
