import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import * as fc from 'fast-check';
import { sealObject } from '../../../daemon/repository/container.ts';
import { encodeBoundHeader } from '../../../daemon/repository/header.ts';
import { headOutcome, historyFindings, type HistoryPoint } from '../../../daemon/repository/history.ts';
import { keySourceOf } from '../../../daemon/repository/keySource.ts';
import { openManifest, restorePointIdOf, sealManifest } from '../../../daemon/repository/manifest.ts';
import { jsonOf, withinLimit } from '../../../daemon/repository/manifestJson.ts';
import type { Manifest } from '../../../daemon/repository/manifestTypes.ts';
import { indexKey, restorePointKey } from '../../../daemon/repository/names.ts';
import type { PolicyId, SourceId } from '../../../protocol/ids.ts';
import { branded, newId } from '../../support/ids.ts';
import { assertRefused, assertTyped } from '../../support/refusals.ts';
import { entropyFrom, identityOf, keysNamed, testStoreId } from '../../support/repositoryKeys.ts';

const keys = keysNamed('manifest');
const objectId = Buffer.alloc(16, 4);
const hash = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const otherPolicy = newId<PolicyId>();

const sample: Manifest = {
  formatVersion: 1,
  writer: 'Holdfast 0.1.0',
  policyId: keys.policyId,
  policy: { name: 'home', deep: { list: [1, 'two', null] } },
  sequence: 2,
  previous: hash(1),
  claimed: { started: null, finished: '2026-01-02T03:04:05.678Z', storeTime: '2026-01-02T03:04:06.000Z' },
  keyGeneration: 1,
  sources: [{ id: newId<SourceId>(), kind: 'folder', label: '/home/ü', nameEncoding: 'bytes', separator: '/', root: hash(2) }],
  indexes: [
    {
      key: indexKey(keys.installationId, keys.policyId, 3, new Uint8Array(16).fill(5)),
      versionId: 'v1',
      length: 65_536,
      sha256: hash(3),
      objectId: new Uint8Array(16).fill(5),
      salt: hash(6),
    },
  ],
  live: [{ sequence: 1, objectId: new Uint8Array(16).fill(7), versionId: null, sha256: hash(8) }],
  heads: { policies: { [otherPolicy]: { sequence: 9, sha256: hash(9) } }, keyring: { sequence: 1, sha256: hash(10) }, term: null },
  params: { chunker: 'fastcdc', min: 1, avg: 2, max: 3, codec: 'zstd', padding: 'page' },
  statistics: { files: 3 },
  warnings: ['one'],
};

function seal(manifest: Manifest = sample): Uint8Array {
  return sealManifest(manifest, keys, testStoreId, entropyFrom('manifest'), objectId).bytes;
}

function open(stored: Uint8Array, key?: string): ReturnType<typeof openManifest> {
  return openManifest(stored, keySourceOf(keys), key === undefined ? {} : { key }, 'a restore point');
}

/** A manifest of this JSON text, tagged by its owner and sealed. */
function sealJson(json: string | Uint8Array, sequence = 2, ownerName = 'manifest'): Uint8Array {
  const { owner } = keysNamed(ownerName);
  assert.ok(owner !== undefined);
  const text = Buffer.from(json);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  const identity = identityOf(keys, 'manifest', objectId, sequence);
  const tag = createHmac('sha256', owner).update(encodeBoundHeader(identity)).update(length).update(text).digest();
  return sealObject(keys.manifest, identity, Buffer.concat([length, text, tag]), entropyFrom('json')).bytes;
}

type Json = Record<string, unknown>;

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function base64(_name: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;
}

const freeMembers: readonly string[] = ['policy', 'statistics', 'warnings'];

function jsonOfSource(): unknown {
  const { sources } = jsonOfSample();
  return Array.isArray(sources) ? sources[0] : undefined;
}

/** The JSON of the sample, to be changed. */
function jsonOfSample(): Json {
  const parsed: unknown = JSON.parse(JSON.stringify(sample, base64));
  assert.ok(isJson(parsed));
  return parsed;
}

function changed(path: readonly (string | number)[], value: unknown): string {
  const json = jsonOfSample();
  let at: Json = json;
  for (const part of path.slice(0, -1)) {
    const next = at[part];
    assert.ok(typeof next === 'object' && next !== null);
    at = Object.assign(next);
  }
  const last = path.at(-1) ?? '';
  if (value === undefined) delete at[last];
  else at[last] = value;
  return JSON.stringify(json);
}

describe('manifest', () => {
  it('opens to what was sealed', () => {
    const opened = open(seal(), restorePointKey(keys.installationId, keys.policyId, 2, sample.claimed.finished, objectId));
    assert.deepEqual(structuredClone(opened.manifest), sample);
    assert.equal(opened.ownerTagChecked, true);
    assert.deepEqual(structuredClone(open(sealJson(JSON.stringify(jsonOfSample()))).manifest), sample);
    assert.equal(restorePointIdOf(objectId), '04040404-0404-0404-0404-040404040404');
  });

  it('refuses a manifest that was not tagged by its owner, and says where the tag could not be checked', () => {
    assertRefused(() => open(sealJson(JSON.stringify(jsonOfSample()), 2, 'somebody with a migration key')), 'manifestOwnerTag');
    assert.throws(() => open(sealJson('{}', 2, 'other')), { code: 'tampered' });
    const importer = keySourceOf({ ...keys, owner: undefined });
    assert.equal(openManifest(seal(), importer, {}, 'a restore point').ownerTagChecked, false);
    assert.throws(() => sealManifest(sample, { ...keys, owner: undefined }, testStoreId, entropyFrom('x')), RangeError);
  });

  it('refuses unknown members at every strict level, and skips those that begin with x-', () => {
    const levels: readonly (readonly (string | number)[])[] = [
      [],
      ['claimed'],
      ['sources', 0],
      ['indexes', 0],
      ['live', 0],
      ['heads'],
      ['heads', 'keyring'],
      ['heads', 'policies', otherPolicy],
      ['params'],
    ];
    for (const level of levels) {
      assertRefused(() => open(sealJson(changed([...level, 'unknown'], 1))), 'manifestMembers', level.join('.'));
      assert.deepEqual(structuredClone(open(sealJson(changed([...level, 'x-later'], { any: 1 }))).manifest), sample);
    }
    for (const level of ['policy', 'statistics']) open(sealJson(changed([level, 'unknown'], [1, { deep: null }])));
    assert.deepEqual(structuredClone(open(sealJson(changed(['heads', 'policies', 'x-later'], 1))).manifest), sample);
  });

  it('refuses members that are missing', () => {
    for (const member of Object.keys(sample)) {
      if (freeMembers.includes(member)) continue;
      assertRefused(() => open(sealJson(changed([member], undefined))), 'manifestMembers', member);
    }
  });

  it('does without policy, statistics and warnings, and takes of them only what has their type', () => {
    for (const without of [undefined, null, 5, 'text', true]) {
      for (const member of freeMembers) {
        const opened: Manifest = open(sealJson(changed([member], without))).manifest;
        assert.deepEqual(structuredClone(opened), { ...sample, [member]: member === 'warnings' ? [] : {} }, `${member} ${String(without)}`);
      }
    }
    assert.deepEqual(structuredClone(open(sealJson(changed(['policy'], []))).manifest.policy), {});
    assert.deepEqual(open(sealJson(changed(['warnings'], [1, 'one', { any: 1 }]))).manifest.warnings, ['one']);
  });

  it('C7: leaves a bad key of an index to the reader of that index', () => {
    for (const key of ['../../../etc/passwd', '', indexKey(keys.installationId, keys.policyId, 3, new Uint8Array(16).fill(6))]) {
      assert.equal(open(sealJson(changed(['indexes', 0, 'key'], key))).manifest.indexes[0]?.key, key);
      assert.throws(() => seal({ ...sample, indexes: sample.indexes.map((index) => ({ ...index, key })) }), RangeError);
    }
  });

  it('refuses two sources of one id, when it writes and when it reads', () => {
    const sources = [...sample.sources, ...sample.sources];
    assertRefused(() => open(sealJson(changed(['sources'], [jsonOfSource(), jsonOfSource()]))), 'manifestMembers');
    assert.throws(() => seal({ ...sample, sources }), RangeError);
  });

  it('leaves out the last warnings, then the statistics, where its JSON would be longer than a reader takes, and says so', () => {
    const warnings = Array.from({ length: 100 }, (_, index) => `ü \u0007 ${index} ${'x'.repeat(100)}`);
    const many: Manifest = { ...sample, warnings };
    const whole = Buffer.byteLength(jsonOf(many));
    assert.deepEqual(withinLimit(many, whole), many);
    for (const limit of [whole - 1, whole - 5000, Math.round(whole / 2)]) {
      const cut = withinLimit(many, limit);
      const kept = cut.warnings.length - 1;
      assert.ok(Buffer.byteLength(jsonOf(cut)) <= limit && Buffer.byteLength(jsonOf(cut)) > limit - 700, `${limit}`);
      assert.deepEqual(cut, { ...many, warnings: [...warnings.slice(0, kept), `${100 - kept} more warnings were left out here.`] });
    }
    const bare = Buffer.byteLength(jsonOf({ ...sample, warnings: [] }));
    const large: Manifest = { ...sample, statistics: { long: 'x'.repeat(bare) } };
    const cut = withinLimit(large, bare + 300);
    assert.deepEqual(cut, { ...sample, statistics: {}, warnings: ['one', 'The statistics were left out here.'] });
    assert.ok(Buffer.byteLength(jsonOf(cut)) <= bare + 300);
  });

  it('can read what it writes: warnings of more than 64 MiB in all, and names that are no Unicode', () => {
    const warnings = Array.from({ length: 65 }, (_, index) => `${index} ${'x'.repeat(1024 * 1024)}`);
    const { manifest } = open(seal({ ...sample, warnings }));
    assert.deepEqual([manifest.warnings.length, manifest.warnings.at(-1)], [64, '2 more warnings were left out here.']);
    assert.deepEqual(open(seal({ ...sample, warnings: ['half \ud800 a pair'] })).manifest.warnings, ['half \ufffd a pair']);
    assert.throws(() => seal({ ...sample, statistics: { files: 1e21 } }), RangeError);
  });

  it('names the member that breaks its rule', () => {
    const cases: readonly (readonly [readonly (string | number)[], unknown])[] = [
      [['formatVersion'], 2],
      [['writer'], null],
      [['policyId'], keys.policyId.toUpperCase()],
      [['sequence'], 0],
      [['sequence'], 1.5],
      [['sequence'], '2'],
      [['previous'], 'AAAA'],
      [['previous'], `${Buffer.alloc(32).toString('base64').slice(0, -2)}B=`],
      [['previous'], Buffer.alloc(32).toString('base64').slice(0, -1)],
      [['previous'], Buffer.alloc(32, 255).toString('base64url')],
      [['previous'], Buffer.alloc(32).toString('hex')],
      [['claimed', 'finished'], null],
      [['claimed', 'finished'], '2026-01-02T03:04:05Z'],
      [['claimed', 'finished'], '2026-13-02T03:04:05.000Z'],
      [['claimed', 'finished'], '2026-01-02T03:04:05.000+00:00'],
      [['claimed', 'finished'], '+012026-01-02T03:04:05.000Z'],
      [['claimed', 'finished'], '-000001-01-02T03:04:05.000Z'],
      [['claimed', 'started'], 5],
      [['keyGeneration'], 0],
      [['sources', 0, 'id'], '../../etc'],
      [['sources', 0, 'kind'], 'disk'],
      [['sources', 0, 'nameEncoding'], 'utf-8'],
      [['sources', 0, 'separator'], ''],
      [['sources', 0, 'root'], ''],
      [['indexes', 0, 'key'], 5],
      [['indexes', 0, 'length'], 0],
      [['indexes', 0, 'versionId'], 5],
      [['indexes'], Array.from({ length: 257 }, () => jsonOfSample()['indexes'])],
      [['live', 0, 'sequence'], 0],
      [['live'], { id: Buffer.alloc(32).toString('base64'), count: 256 }],
      [['heads', 'policies'], { name: { sequence: 1, sha256: Buffer.alloc(32).toString('base64') } }],
      [['heads', 'term'], {}],
      [['params', 'min'], '1'],
    ];
    for (const [path, value] of cases) {
      assertRefused(() => open(sealJson(changed(path, value))), 'manifestMembers', `${path.join('.')} = ${JSON.stringify(value)}`);
    }
    assert.deepEqual(open(sealJson(changed(['live'], { id: Buffer.alloc(32).toString('base64'), count: 257 }))).manifest.live, {
      id: new Uint8Array(32),
      count: 257,
    });
  });

  it('writes previous for every sequence but the first, and opens what does not, for that is a finding', () => {
    const first = { ...sample, sequence: 1, previous: null };
    assert.equal(open(seal(first)).manifest.previous, null);
    assert.throws(() => seal({ ...sample, sequence: 1 }), RangeError);
    assert.throws(() => seal({ ...sample, previous: null }), RangeError);
    assert.equal(open(sealJson(changed(['previous'], null))).manifest.previous, null);
  });

  it('C7: refuses a manifest whose JSON does not agree with its header', () => {
    const text = JSON.stringify(jsonOfSample());
    assertRefused(() => open(sealJson(text, 3)), 'manifestMembers');
    assertRefused(() => open(sealJson(changed(['keyGeneration'], 2))), 'manifestMembers');
    assertRefused(() => open(sealJson(changed(['policyId'], otherPolicy))), 'manifestMembers');
    assert.throws(() => openManifest(seal(), keySourceOf(keysNamed('other')), {}, 'x'), { code: 'wrongSecret' });
    const borrowed = { ...keys, policyId: otherPolicy };
    assertRefused(() => openManifest(seal(), keySourceOf(borrowed), {}, 'x'), 'headerScope');
    const foreign = { ...keys, installationId: branded<typeof keys.installationId>(otherPolicy) };
    assertRefused(() => openManifest(seal(), keySourceOf(foreign), {}, 'x'), 'headerScope');
  });

  it('M2: refuses JSON with duplicates, __proto__, a BOM, broken UTF-8, odd numbers, and depth without end', () => {
    const text = JSON.stringify(jsonOfSample());
    const inPolicy = (json: string): string => text.replace('"policy":{', `"policy":{"more":${json},`);
    open(sealJson(inPolicy('[[[1]]]')));
    for (const json of [
      text.replace('{', '{"sequence":2,'),
      text.replace('"policy":{', '"policy":{"__proto__":{},'),
      `\uFEFF${text}`,
      inPolicy('NaN'),
      inPolicy('1e2'),
      inPolicy('[1,]'),
      inPolicy('['.repeat(1000) + ']'.repeat(1000)),
      `${text} x`,
      '',
    ]) {
      assertRefused(() => open(sealJson(json)), 'manifestJson', json.slice(0, 60));
    }
    assertRefused(() => open(sealJson(Buffer.concat([Buffer.from(text), Buffer.of(0xff)]))), 'manifestJson');
  });

  it('M3: refuses lengths that the content does not have', () => {
    const identity = identityOf(keys, 'manifest', objectId, 2);
    for (const content of [
      Buffer.alloc(0),
      Buffer.alloc(3),
      Buffer.alloc(35),
      Buffer.alloc(37),
      Buffer.concat([Buffer.alloc(4, 255), Buffer.alloc(100)]),
    ]) {
      assertRefused(() => open(sealObject(keys.manifest, identity, content, entropyFrom('x')).bytes), 'manifestJson');
    }
  });

  it('M1: answers any JSON with a typed refusal', () => {
    fc.assert(
      fc.property(fc.json(), (json) => assertTyped(() => open(sealJson(json)))),
      { numRuns: 60 },
    );
    const paths = fc.constantFrom(...Object.keys(sample));
    fc.assert(
      fc.property(paths, fc.jsonValue(), (member, value) => assertTyped(() => open(sealJson(changed([member], value))))),
      { numRuns: 100 },
    );
  });
});

describe('history of a policy', () => {
  const point = (sequence: number, byte = sequence, previous = byte - 1): HistoryPoint => ({
    sequence,
    objectId: new Uint8Array(16).fill(byte),
    sha256: hash(byte),
    previous: sequence === 1 ? null : hash(previous),
  });

  it('finds nothing in a chain, whatever was collected from it', () => {
    assert.deepEqual(historyFindings([point(1), point(2), point(3)], [{ sequence: 3, sha256: hash(3) }]), []);
    assert.deepEqual(historyFindings([point(3), point(5)], []), []);
    assert.deepEqual(historyFindings([], []), []);
  });

  it('C8: reports an older manifest that is served as the newest, where any authentic object names a newer one', () => {
    const served = [point(1), point(2)];
    assert.deepEqual(historyFindings(served, [{ sequence: 3, sha256: hash(3) }]), [{ kind: 'headMissing', sequence: 3 }]);
    assert.deepEqual(historyFindings(served, [{ sequence: 2, sha256: hash(9) }]), [{ kind: 'headDiffers', sequence: 2 }]);
  });

  it('C8: takes a head that is not found for collected where a newer authentic one is there, and for hidden where none is', () => {
    const head = { sequence: 3, sha256: hash(3) };
    assert.deepEqual(historyFindings([point(2), point(4)], [head]), []);
    assert.equal(headOutcome(head, [point(2), point(4)]), 'gone');
    assert.equal(headOutcome(head, [point(2), point(3)]), 'found');
    assert.equal(headOutcome(head, [point(2)]), 'missing');
    assert.equal(headOutcome(head, []), 'missing');
    assert.equal(headOutcome(head, [point(3, 8), point(4)]), 'differs');
    assert.equal(headOutcome(head, [point(3, 8), point(3)]), 'found');
  });

  it('C8: reports a manifest that names none before it, and a first that names one', () => {
    assert.deepEqual(historyFindings([{ ...point(3), previous: null }], []), [{ kind: 'previousMissing', sequence: 3 }]);
    assert.deepEqual(historyFindings([{ ...point(1), previous: hash(0) }], []), [{ kind: 'previousDiffers', sequence: 1 }]);
  });

  it('C8: reports a chain that does not link, and forks', () => {
    assert.deepEqual(historyFindings([point(1), point(2, 2, 7), point(3)], []), [{ kind: 'previousDiffers', sequence: 2 }]);
    assert.deepEqual(historyFindings([point(1), point(2), point(2, 8, 1), point(3)], []), [{ kind: 'fork', sequence: 2 }]);
    assert.deepEqual(historyFindings([point(2), point(3, 3, 9)], [{ sequence: 3, sha256: hash(3) }]), [
      { kind: 'previousDiffers', sequence: 3 },
    ]);
  });
});
