import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { parseLocationSpec, parseLocationSpecFile } from '../../../protocol/locationSpec.ts';
import { HoldfastError } from '../../../protocol/errors.ts';

const fromText = (text: string): unknown => parseLocationSpecFile(Buffer.from(text, 'utf8'));

describe('location profile', () => {
  for (const [text, path] of [
    ['{"kind":"filesystem","path":"/mnt/backup"}', '/mnt/backup'],
    ['{"path":"/mnt/backup/","kind":"filesystem"}', '/mnt/backup'],
    ['{"kind":"filesystem","path":"/mnt//a/./b ö"}', '/mnt/a/b ö'],
    ['{"kind":"filesystem","path":"/"}', '/'],
    ['{"kind":"filesystem","path":"/mnt/..data"}', '/mnt/..data'],
  ] as const) {
    it(`takes ${text} as the folder ${path}`, () => assert.deepEqual(fromText(text), { kind: 'filesystem', path }));
  }

  it('takes a path that is made absolute by whoever reads the file', () => {
    const bytes = Buffer.from('{"kind":"filesystem","path":"disk"}');
    assert.deepEqual(
      parseLocationSpecFile(bytes, (path) => `/home/${path}`),
      { kind: 'filesystem', path: '/home/disk' },
    );
  });

  const long = 'x'.repeat(10_000);
  for (const [title, text] of [
    ['a relative path', '{"kind":"filesystem","path":"backup"}'],
    ['an empty path', '{"kind":"filesystem","path":""}'],
    ['a home folder that no shell expanded', '{"kind":"filesystem","path":"~/backup"}'],
    ['a path with ..', '{"kind":"filesystem","path":"/mnt/../etc"}'],
    ['a path that ends with ..', '{"kind":"filesystem","path":"/mnt/.."}'],
    ['a path with NUL', '{"kind":"filesystem","path":"/mnt/\\u0000"}'],
    ['a path with a line break', '{"kind":"filesystem","path":"/mnt/a\\nb"}'],
    ['a path with an escape character', '{"kind":"filesystem","path":"/mnt/\\u001b[2J"}'],
    ['a path with a lone surrogate', '{"kind":"filesystem","path":"/mnt/\\ud800"}'],
    ['a name of 10 kB', `{"kind":"filesystem","path":"/mnt/${long}"}`],
    ['a path of 10 kB in short names', `{"kind":"filesystem","path":"${'/abc'.repeat(2500)}"}`],
    ['a path that is a number', '{"kind":"filesystem","path":7}'],
    ['a path that is a list', '{"kind":"filesystem","path":["/mnt"]}'],
    ['no path', '{"kind":"filesystem"}'],
    ['an unknown member', '{"kind":"filesystem","path":"/mnt","command":"rm -rf /"}'],
    ['__proto__', '{"kind":"filesystem","path":"/mnt","__proto__":{"a":1}}'],
    ['constructor', '{"kind":"filesystem","path":"/mnt","constructor":{}}'],
    ['a member twice', '{"kind":"filesystem","path":"/mnt","path":"/etc"}'],
    ['an unknown kind', '{"kind":"ftp","path":"/mnt"}'],
    ['a kind that is a number', '{"kind":1,"path":"/mnt"}'],
    ['no kind', '{"path":"/mnt"}'],
    ['a list', '[{"kind":"filesystem","path":"/mnt"}]'],
    ['null', 'null'],
    ['a text', '"/mnt"'],
    ['no JSON', 'path: /mnt'],
    ['nothing', ''],
    ['JSON behind JSON', '{"kind":"filesystem","path":"/mnt"}{}'],
    ['a byte order mark', '\ufeff{"kind":"filesystem","path":"/mnt"}'],
    ['deep nesting', `{"kind":"filesystem","path":${'['.repeat(50_000)}${']'.repeat(5000)}}`],
    ['a file of a megabyte', `{"kind":"filesystem","path":"/mnt"}${' '.repeat(1 << 20)}`],
  ] as const) {
    it(`M8: refuses ${title} with one short sentence`, () => {
      assert.throws(
        () => fromText(text),
        (error) =>
          HoldfastError.is(error, 'badValue') &&
          error.message.startsWith('Failed to read the location: ') &&
          error.message.length < 200 &&
          !/\p{Cc}/u.test(error.message),
      );
    });
  }

  for (const kind of ['azureBlob', 'veeamRepository']) {
    it(`M8: says that ${kind} is not in this version`, () => {
      assert.throws(
        () => parseLocationSpec({ kind, bucket: 'b' }),
        (error) => HoldfastError.is(error, 'notInThisVersion'),
      );
    });
  }

  it('M1 M8: takes or refuses any JSON, and never fails otherwise', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          fc.record({ kind: fc.constant('filesystem'), path: fc.string({ unit: 'binary' }) }).map((value) => JSON.stringify(value)),
        ),
        (text) => {
          try {
            fromText(text);
          } catch (error) {
            assert.ok(HoldfastError.is(error, 'badValue', 'notInThisVersion'), String(error));
          }
        },
      ),
    );
  });
});
