import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { readEnvelope } from '../../../protocol/envelope.ts';

describe('envelope', () => {
  it('takes requests and notifications on the daemon’s side', () => {
    const request = { jsonrpc: '2.0', id: 'a', method: 'policy.list', params: {} };
    assert.deepEqual(readEnvelope(request, 'daemon'), { kind: 'request', id: 'a', message: request });
    assert.equal(readEnvelope({ ...request, id: 0 }, 'daemon').kind, 'request');
    assert.equal(readEnvelope({ jsonrpc: '2.0', id: 1, method: 'm' }, 'daemon').kind, 'request');
    assert.equal(readEnvelope({ jsonrpc: '2.0', method: '$/cancelRequest', params: { id: 1 } }, 'daemon').kind, 'notification');
  });

  it('takes responses and notifications on the client’s side, and no requests', () => {
    assert.equal(readEnvelope({ jsonrpc: '2.0', id: 1, result: null }, 'client').kind, 'response');
    assert.equal(readEnvelope({ jsonrpc: '2.0', id: 1, error: { code: -1, message: '' } }, 'client').kind, 'response');
    assert.equal(readEnvelope({ jsonrpc: '2.0', method: 'event', params: {} }, 'client').kind, 'notification');
    const refused: readonly unknown[] = [
      { jsonrpc: '2.0', id: 1, method: 'm' },
      { jsonrpc: '2.0', id: 1 },
      { jsonrpc: '2.0', id: 1, result: 1, error: { code: 1, message: '' } },
      { jsonrpc: '2.0', id: 1, error: { code: 'x', message: '' } },
      { jsonrpc: '2.0', id: 1, error: null },
      { jsonrpc: '2.0', id: null, error: { code: 1, message: '' } },
      { jsonrpc: '2.0', result: 1 },
      { jsonrpc: '2.0', method: 'window/showMessage', params: {} },
      { jsonrpc: '2.0', id: 1, result: 1, more: 1 },
    ];
    for (const message of refused) assert.equal(readEnvelope(message, 'client').kind, 'refused', JSON.stringify(message));
  });

  it('M1: judges any JSON without throwing, and hands on only what vscode-jsonrpc knows', () => {
    const members = fc.record(
      {
        jsonrpc: fc.constantFrom('2.0', '2.0', '2.0', '1.0', 2),
        id: fc.oneof(fc.jsonValue(), fc.nat(), fc.string()),
        method: fc.oneof(fc.jsonValue(), fc.string(), fc.constantFrom('$/cancelRequest', 'event')),
        params: fc.oneof(fc.jsonValue(), fc.dictionary(fc.string(), fc.jsonValue())),
        result: fc.jsonValue(),
        error: fc.oneof(fc.jsonValue(), fc.record({ code: fc.integer(), message: fc.string() })),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), members), fc.constantFrom('daemon' as const, 'client' as const), (value, role) => {
        const envelope = readEnvelope(value, role);
        if (envelope.kind === 'refused') return;
        assert.equal(envelope.message.jsonrpc, '2.0');
        if (envelope.kind !== 'notification') assert.ok(typeof envelope.id === 'string' || Number.isSafeInteger(envelope.id));
      }),
      { numRuns: 500 },
    );
  });
});
