import assert from 'node:assert/strict';
import { GarbageModel } from '../../../support/garbageModel.ts';

describe('a year of three policies', function () {
  this.timeout(120_000);
  const none = { latest: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };
  const policies = [
    { what: 'a daily one in Berlin', hours: 24, rules: { ...none, daily: 7, weekly: 4, monthly: 6 }, timeZone: 'Europe/Berlin', live: 17 },
    { what: 'one of every third day in New York', hours: 72, rules: { ...none, latest: 5 }, timeZone: 'America/New_York', live: 5 },
    {
      what: 'a weekly one on Lord Howe',
      hours: 168,
      rules: { ...none, monthly: 12, yearly: 2 },
      timeZone: 'Australia/Lord_Howe',
      live: 14,
    },
  ];
  for (const [number, { what, hours, rules, timeZone, live: most }] of policies.entries()) {
    it(`F2: retention and a collection after each run of ${what} keep what the rules say, lose nothing and let nothing pile up`, async () => {
      const model = new GarbageModel(number + 1, { owners: 1, seams: {} });
      let last = { live: 0, manifests: 0 };
      for (let elapsed = 0; elapsed < 366 * 24; elapsed += hours) {
        last = await model.runAndCollect(hours, rules, timeZone);
        assert.ok(last.live <= most, `${last.live} live`);
        // What was retired last waits for its day.
        assert.ok(last.manifests <= last.live + 3, `${last.manifests} stored, ${last.live} live`);
      }
      assert.deepEqual(model.losses(), []);
      assert.deepEqual(model.unforeseen, []);
      assert.ok(last.live >= Math.min(most - 3, 12), `${last.live} live in the end`);
      assert.ok(model.counts.freed > 0);
    });
  }
});
