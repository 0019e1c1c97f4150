import assert from 'node:assert/strict';
import { HoldfastError } from '../../../protocol/errors.ts';
import { InstallationBench } from '../../support/installationBench.ts';
import { LockedLocation } from '../../support/lockedLocation.ts';

const { signal } = new AbortController();
const inDays = (days: number): Date => new Date(new Date('2026-01-02T03:04:05.678Z').getTime() + days * 86_400_000);

const passphrase = (text: string): { readonly kind: 'passphrase'; readonly passphrase: Buffer } => ({
  kind: 'passphrase',
  passphrase: Buffer.from(text),
});

/** Two keyrings are locked for 30 and for 40 days: the first holds a passkey that is retired since then. */
async function lockedBench(): Promise<{ readonly bench: InstallationBench; readonly bucket: LockedLocation }> {
  const bench = await InstallationBench.ready();
  const { passkeys } = bench.installation;
  const bucket = new LockedLocation(bench, 'bucket');
  await passkeys.add('new', passphrase('right new'), true, signal);
  await bucket.deliver();
  bucket.lock(inDays(30));
  await passkeys.retire('main', { confirmed: true }, signal);
  await bucket.deliver();
  bucket.lock(inDays(40));
  return { bench, bucket };
}

function question(bench: InstallationBench, location: string): string {
  try {
    bench.installation.locations.checkRemove(location, false);
  } catch (error) {
    if (HoldfastError.is(error, 'confirmationNeeded')) return error.message;
    throw error;
  }
  return assert.fail('it asks first');
}

describe('a location that is removed', () => {
  it('D3: is said to keep locked keyrings before and after, with what opens them, until when, and that the gate goes on counting them', async () => {
    const { bench } = await lockedBench();
    using _ = bench;
    await new LockedLocation(bench, 'other').deliver();
    const { locations } = bench.installation;
    const note =
      '2 keyrings stay locked there until 2026-02-11 03:04 UTC: whoever has the secret of a passkey that they hold opens what is stored there with it, also one that leaked or is retired (main), and the retirement gate goes on counting them until then.';
    assert.equal(
      question(bench, 'bucket'),
      `Remove location bucket? What is stored there stays, but this installation forgets where it is. ${note}`,
    );
    const { name, lockedKeyrings, notes } = locations.remove('bucket', true);
    assert.deepEqual([name, lockedKeyrings, notes], ['bucket', { count: 2, until: inDays(40).toISOString() }, [note]]);
  });

  it('D3: tells no date where nobody knows one, and says what has to happen where no store is left that tells the time', async () => {
    const { bench, bucket } = await lockedBench();
    using _ = bench;
    const { catalog, passkeys, locations } = bench.installation;
    await passkeys.add('third', passphrase('right third'), false, signal);
    await bucket.deliver();
    const { lockedKeyrings, notes } = locations.remove('bucket', true);
    assert.deepEqual(lockedKeyrings, { count: 3, until: null });
    assert.deepEqual(notes, [
      '3 keyrings stay locked there, nobody knows until when: whoever has the secret of a passkey that they hold opens what is stored there with it, also one that leaked or is retired (main), and the retirement gate goes on counting them.',
      'No other location with locks is left to tell the time: until one is, or this one is added again, they count as locked without end.',
    ]);
    assert.equal(catalog.formerKeyrings.list().length, 3);
  });

  it('says nothing of keyrings where none is locked, or the lock of none lasts', async () => {
    const { bench, bucket } = await lockedBench();
    using _ = bench;
    await bench.addLocation('disk');
    const { catalog, locations } = bench.installation;
    for (const { key } of catalog.keyrings.copiesAt(bucket.locationId)) {
      const object = catalog.objects.get(bucket.locationId, key) ?? assert.fail();
      catalog.objects.record({ ...object, retainUntil: inDays(-1).toISOString() });
    }
    for (const name of ['disk', 'bucket']) {
      assert.match(question(bench, name), /forgets where it is\.$/);
      const { lockedKeyrings, notes } = locations.remove(name, true);
      assert.deepEqual([lockedKeyrings, notes], [null, []], name);
    }
  });
});
