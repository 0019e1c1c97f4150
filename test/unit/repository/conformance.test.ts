import assert from 'node:assert/strict';
import { encodeEntry } from '../../../daemon/repository/entryEncoder.ts';
import { formatRules, ruleOf } from '../../../daemon/repository/refusal.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { bundles, goodBundles } from '../../support/conformance/bundles.ts';
import { containers, goodContainers } from '../../support/conformance/containers.ts';
import { goodIndexes, indexes } from '../../support/conformance/indexes.ts';
import { goodKeyrings, keyrings } from '../../support/conformance/keyrings.ts';
import { goodManifests, manifests } from '../../support/conformance/manifests.ts';
import type { MustRefuse } from '../../support/conformance/mustRefuse.ts';
import { goodPacks, packs } from '../../support/conformance/packs.ts';
import { goodChunks, storedChunks } from '../../support/conformance/storedChunks.ts';
import { goodTerms, terms } from '../../support/conformance/terms.ts';
import { goodTrees, trees } from '../../support/conformance/trees.ts';

/** By the points of "What every reader verifies": what must be taken, and what must be refused. */
const tables: readonly (readonly [string, readonly (() => unknown)[], readonly MustRefuse[]])[] = [
  ['M1 M3: keyrings', goodKeyrings, keyrings],
  ['C5 C6 C7: headers and containers', goodContainers, containers],
  ['M1 M3: manifests and live lists', goodManifests, manifests],
  ['C7 M1 M3: ownership terms', goodTerms, terms],
  ['C5 C6 C7 C10 M1 M3: bundles', goodBundles, bundles],
  ['M1 M3: indexes', goodIndexes, indexes],
  ['M1 M3: packs and blocks', goodPacks, packs],
  ['C5 C6: chunks and files', goodChunks, storedChunks],
  ['M1 M3 M4 M6: trees, entries and lists', goodTrees, trees],
];

function nameOf(error: unknown): MustRefuse['refused'] | undefined {
  const rule = ruleOf(error);
  if (rule !== undefined || !HoldfastError.is(error) || !error.message.startsWith('Failed to read a keyring: ')) return rule;
  return error.code === 'unsupportedFormat' ? 'newerKeyring' : error.code === 'damaged' ? 'damagedKeyring' : undefined;
}

async function refusalOf(run: () => unknown): Promise<string> {
  try {
    await run();
    return 'taken';
  } catch (error) {
    return nameOf(error) ?? (error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
}

describe('docs/format.md, What every reader verifies', () => {
  for (const [part, good, cases] of tables) {
    it(`${part} are taken where they keep to the page`, async () => {
      for (const run of good) assert.equal(await refusalOf(run), 'taken', String(run));
    });

    it(`${part} are refused by the very rule that they break, in each of ${cases.length} ways`, async () => {
      for (const { section, clause, refused, run } of cases) assert.equal(await refusalOf(run), refused, `${section}: ${clause}`);
    });
  }

  it('leaves no rule of a refusal without a breach that shows it', () => {
    const shown = new Set<string>(tables.flatMap(([, , cases]) => cases.map(({ refused }) => refused)));
    assert.deepEqual(
      formatRules.filter((rule) => !shown.has(rule)),
      [],
    );
  });

  it('C10: writes no entry above 1 MiB - 12, so that its node keeps to 1 MiB', () => {
    const overhead = 2 + 1 + 9 + 5 + 2 + 1;
    const entryOf = (length: number): Buffer => {
      const value = Buffer.alloc(length - overhead);
      return encodeEntry({ name: Buffer.from('a'), kind: 'fifo', mode: 0, extendedAttributes: [{ name: Buffer.from('b'), value }] });
    };
    assert.equal(entryOf(2 ** 20 - 12).length, 2 ** 20 - 12);
    assert.throws(() => entryOf(2 ** 20 - 11), RangeError);
  });
});
