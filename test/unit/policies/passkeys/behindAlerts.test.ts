import assert from 'node:assert/strict';
import { HoldfastError } from '../../../../protocol/errors.ts';
import { WatchBench } from '../../../support/watchBench.ts';

const { signal } = new AbortController();
const minute = 60_000;
const hour = 60 * minute;

/** A location that the test takes away and brings back. */
async function withLocation(bench: WatchBench): Promise<{ isAway: boolean }> {
  await bench.base.addLocation('disk');
  const place = { isAway: false };
  const { locations } = bench.base.installation;
  const open = locations.open.bind(locations);
  locations.open = async (locationId) => {
    if (place.isAway) throw HoldfastError.failedTo('storeUnreachable', 'open the location', 'it is away');
    return await open(locationId);
  };
  return place;
}

async function addPassphrase({ base }: WatchBench, name: string): Promise<void> {
  await base.installation.passkeys.add(name, { kind: 'passphrase', passphrase: Buffer.from(`right ${name}`) }, false, signal);
}

describe('the alert about a keyring that did not arrive', () => {
  it('names what opens there, once that has lasted for ten minutes, and is resolved by the delivery that is tried every hour', async () => {
    await using bench = await WatchBench.start();
    const place = await withLocation(bench);
    await bench.pass(minute);
    place.isAway = true;
    await addPassphrase(bench, 'safe');
    await bench.pass(minute);
    await bench.pass(9 * minute);
    assert.deepEqual(bench.kinds(), []);
    await bench.pass(minute);
    const [alert] = bench.told();
    assert.deepEqual([alert?.kind, alert?.severity, alert?.subject], ['keyringBehind', 'warning', 'disk']);
    assert.match(
      alert?.message ?? '',
      /^The newest keyring has not reached disk, which was last reached 2026-01-02 03:04 UTC: what is stored there opens with the passkeys main, spare alone\.$/,
    );
    place.isAway = false;
    const { installation } = bench.base;
    const tried = Promise.withResolvers<void>();
    const deliver = installation.deliverKeyrings.bind(installation);
    installation.deliverKeyrings = async (given) => {
      await deliver(given);
      tried.resolve();
    };
    await bench.pass(hour);
    await tried.promise;
    await bench.settle();
    assert.deepEqual(bench.kinds(), []);
    assert.equal(bench.base.installation.keyrings.isBehind(bench.base.installation.locations.resolve('disk').locationId), false);
    assert.deepEqual(bench.failures, []);
  });

  it('D3: is an error where nothing that is in use today opens there, and names what does', async () => {
    await using bench = await WatchBench.start();
    const place = await withLocation(bench);
    const { passkeys } = bench.base.installation;
    place.isAway = true;
    await addPassphrase(bench, 'safe');
    await passkeys.use('safe', signal);
    for (const name of ['main', 'spare'])
      bench.base.installation.catalog.passkeys.change(passkeys.resolve(name).slotId, { state: 'failing' });
    await bench.pass(minute);
    await bench.pass(hour);
    const alert = bench.told().find(({ kind }) => kind === 'keyringBehind');
    assert.equal(alert?.severity, 'error');
    assert.match(alert.message, /opens with no passkey that is in use today, and with main \(failing\), spare \(failing\)\.$/);
  });

  it('is gone with its location', async () => {
    await using bench = await WatchBench.start();
    const place = await withLocation(bench);
    place.isAway = true;
    await addPassphrase(bench, 'safe');
    await bench.pass(minute);
    await bench.pass(hour);
    assert.deepEqual(bench.kinds(), ['keyringBehind warning']);
    bench.base.installation.locations.remove('disk', true);
    await bench.pass(minute);
    assert.deepEqual(bench.kinds(), []);
  });
});
