import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { firstLinkState, type LinkEvent, type LinkState, nextLinkState } from '../../../client/reconnect.ts';

const event: fc.Arbitrary<LinkEvent> = fc.oneof(
  fc.constantFrom<LinkEvent>({ name: 'connected' }, { name: 'refused' }, { name: 'waited' }, { name: 'endpointChanged' }),
  fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }).map((random): LinkEvent => ({ name: 'lost', random })),
);

describe('reconnect', () => {
  it('W10: waits from 100 ms to 10 s, longer each time, and starts anew after a connection', () => {
    let state: LinkState = firstLinkState;
    const waits: number[] = [];
    for (let attempt = 0; attempt < 12; attempt += 1) {
      state = nextLinkState(state, { name: 'lost', random: 0.5 });
      if (state.name === 'waiting') waits.push(state.milliseconds);
      state = nextLinkState(state, { name: 'waited' });
    }
    assert.deepEqual(waits.slice(0, 4), [150, 300, 600, 1200]);
    assert.equal(waits.length, 12);
    assert.ok(waits.every((wait, index) => wait >= 100 && wait <= 10_000 && wait >= (waits[index - 1] ?? 0)));
    state = nextLinkState(nextLinkState(state, { name: 'connected' }), { name: 'lost', random: 0 });
    assert.deepEqual(state, { name: 'waiting', attempt: 0, milliseconds: 100 });
  });

  it('tries at once when the endpoint file changes, also after a refusal', () => {
    const waiting = nextLinkState(firstLinkState, { name: 'lost', random: 0.9 });
    const refused = nextLinkState(firstLinkState, { name: 'refused' });
    for (const state of [waiting, refused]) assert.deepEqual(nextLinkState(state, { name: 'endpointChanged' }), firstLinkState);
    assert.deepEqual(nextLinkState(refused, { name: 'waited' }), refused, 'but not by itself');
    const connected: LinkState = { name: 'connected' };
    assert.equal(nextLinkState(connected, { name: 'endpointChanged' }), connected);
  });

  it('stays within its bounds whatever happens, and ends for good when disposed', () => {
    fc.assert(
      fc.property(fc.array(event), (events) => {
        let state: LinkState = firstLinkState;
        for (const next of events) {
          state = nextLinkState(state, next);
          if (state.name === 'waiting') assert.ok(state.milliseconds >= 100 && state.milliseconds <= 10_000);
        }
        const disposed = nextLinkState(state, { name: 'disposed' });
        for (const next of events) assert.equal(nextLinkState(disposed, next), disposed);
      }),
    );
  });
});
