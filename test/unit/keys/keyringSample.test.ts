import assert from 'node:assert/strict';
import { keyringName } from '../../../daemon/keys/keyringName.ts';
import { KeyringSample, type ListedKeyring, mostChosen } from '../../../daemon/keys/keyringSample.ts';
import { SeededRandom } from '../../support/random.ts';
import { installationId } from './support/keyrings.ts';

const random = new SeededRandom(11);

function listed(sequence: number, minute: number | null = 0): ListedKeyring {
  const key = keyringName({ installationId, sequence, objectId: random.bytes(16) });
  return { key, lastModified: minute === null ? null : new Date(Date.UTC(2026, 0, 2) + minute * 60_000) };
}

function sampleOf(all: Iterable<ListedKeyring>, upTo: number): readonly ListedKeyring[] {
  const sample = new KeyringSample({ installationId, upTo, random: () => random.below(2 ** 30) / 2 ** 30 });
  for (const one of all) sample.add(one);
  return sample.chosen();
}

describe('which keyrings of a folder are read', () => {
  it('C9: is one of each sequence first, the newest first, however many are planted under one of them', () => {
    const own = Array.from({ length: 60 }, (_value, index) => listed(index + 1, index));
    const planted = Array.from({ length: 5000 }, (_value, index) => listed(30, 100 + index));
    const chosen = sampleOf([...planted, ...own], 60);
    assert.deepEqual(chosen.slice(0, 60), own.toReversed());
    assert.equal(chosen.length, 59 + 500);
    const everywhere = Array.from({ length: 6000 }, (_value, index) => listed(1 + (index % 60), 100));
    const bounded = sampleOf([...everywhere, ...own], 60);
    assert.deepEqual([bounded.length, bounded.slice(0, 60)], [mostChosen, own.toReversed()]);
  });

  it('leaves out what claims a higher sequence, and names that are none of a keyring', () => {
    const own = listed(3);
    const strange = { key: `${own.key}0`, lastModified: null };
    assert.deepEqual(sampleOf([listed(4), listed(2 ** 53 - 1), strange, own], 3), [own]);
    const dateless = listed(2, null);
    assert.deepEqual(sampleOf([own, dateless], 3), [own, dateless]);
  });

  it('C9: is luck, new each time, for one that more than a thousand were planted before', () => {
    const own = listed(7, 10_000);
    const planted = Array.from({ length: 1000 }, (_value, index) => listed(7, index));
    let met = 0;
    for (let time = 0; time < 40; time += 1) if (sampleOf([...planted, own], 7).includes(own)) met += 1;
    // One in three: of 751 others 250 are kept.
    assert.ok(met > 3 && met < 30, String(met));
  });
});
