import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { HoldfastError } from '../../../protocol/errors.ts';
import { parseStrictJson } from '../../../protocol/strictJson.ts';

const encoder = new TextEncoder();

function parse(text: string, maxDepth = 8): unknown {
  return parseStrictJson(encoder.encode(text), { maxBytes: 65_536, maxDepth });
}

function refuses(text: string | Uint8Array, cause: RegExp, maxDepth = 8): void {
  const bytes = typeof text === 'string' ? encoder.encode(text) : text;
  assert.throws(
    () => parseStrictJson(bytes, { maxBytes: 65_536, maxDepth, what: 'the test' }),
    (error) => HoldfastError.is(error, 'damaged') && error.message.startsWith('Failed to read the test: ') && cause.test(error.message),
  );
}

function isPlain(value: unknown): boolean {
  if (typeof value === 'number') return (Number.isSafeInteger(value) || !Number.isInteger(value)) && !Object.is(value, -0);
  if (typeof value === 'string') return value.isWellFormed();
  if (Array.isArray(value)) return value.every(isPlain);
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).every(([name, item]) => name !== '__proto__' && isPlain(item));
  return true;
}

describe('strict JSON', () => {
  it('M1: reads what JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }).filter(isPlain), fc.constantFrom(0, 1, 3), (value, indent) => {
        assert.deepEqual(structuredClone(parse(JSON.stringify(value, null, indent))), JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('M1: answers any bytes with a value that JSON.parse would give too, or with a typed error', () => {
    const noise = fc.array(
      fc.constantFrom('{', '}', '[', ']', ',', ':', '"', '\\', '\\u00', '"a"', '1', '-', '.5', 'e9', 'true', 'nul', ' ', '\n', 'é'),
    );
    fc.assert(
      fc.property(noise, (parts) => {
        const text = parts.join('');
        try {
          assert.deepEqual(structuredClone(parse(text)), JSON.parse(text));
        } catch (error) {
          if (!HoldfastError.is(error, 'damaged')) throw error;
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('M2: refuses duplicate members, escaped ones included', () => {
    refuses('{"a":1,"b":2,"a":1}', /"a" occurs twice/);
    refuses('{"x":[{"a":1,"\\u0061":2}]}', /"a" occurs twice/);
  });

  it('M2: refuses __proto__ and keeps constructor and toString as plain members', () => {
    refuses('{"__proto__":{"polluted":true}}', /__proto__/);
    refuses('{"\\u005f_proto__":1}', /__proto__/);
    const value = parse('{"constructor":1,"toString":2,"hasOwnProperty":3}');
    assert.ok(typeof value === 'object' && value !== null);
    assert.deepEqual(Object.entries(value), [
      ['constructor', 1],
      ['toString', 2],
      ['hasOwnProperty', 3],
    ]);
    assert.equal(Object.getPrototypeOf(value), null);
  });

  it('M2: refuses depth beyond the limit, however deep, and takes the limit itself', () => {
    assert.deepEqual(parse('[[[]]]', 3), [[[]]]);
    refuses('[[[[]]]]', /deeper than 3/, 3);
    refuses(`${'{"a":'.repeat(4)}1${'}'.repeat(4)}`, /deeper than 3/, 3);
    refuses('['.repeat(60_000), /deeper than 8/);
  });

  it('M2: refuses NaN, infinities and whole numbers in any other form than the plain one', () => {
    for (const text of ['NaN', 'Infinity', '-Infinity', '+1', '01', '.5', '1.', '0x10']) refuses(text, /unexpected|too early/);
    for (const text of ['1.0', '1e3', '-0', '9007199254740992', '1e400', '-9007199254740992', '1e-400'])
      refuses(text, /not a plain integer/);
    assert.deepEqual(parse('[0,9007199254740991,-3,1.5,2.5e-3]'), [0, 9_007_199_254_740_991, -3, 1.5, 0.0025]);
  });

  it('refuses BOM, bytes that are not UTF-8, half surrogates, raw control characters and anything after the value', () => {
    refuses('\uFEFF{}', /unexpected at character 0/);
    refuses(Uint8Array.of(0x22, 0xc3, 0x28, 0x22), /not UTF-8/);
    refuses('"\\ud800"', /surrogate/);
    refuses('["a\nb"]', /string at character 1 is not JSON/);
    refuses('{} {}', /unexpected at character 3/);
    refuses('{"a":1,}', /unexpected/);
    refuses('[1,]', /unexpected/);
    refuses('', /too early/);
    refuses('"abc', /unexpected/);
    refuses('"\\x41"', /not JSON/);
    assert.equal(parse(`"${'x\\n'.repeat(15_000)}"`), 'x\n'.repeat(15_000));
  });

  it('M2: refuses more bytes than allowed before it looks at them', () => {
    refuses(new Uint8Array(65_537), /65537 bytes, more than the 65536/);
  });
});
