import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import * as z from 'zod';
import type { AnyMethod } from '../../../../protocol/method.ts';
import { backupDocument } from '../../../../protocol/methods/backups.ts';
import { methods } from '../../../../protocol/methods/index.ts';
import { location, locationCheck } from '../../../../protocol/methods/locations.ts';
import { passkey } from '../../../../protocol/methods/passkeys.ts';
import { importDocument } from '../../../../protocol/methods/recovery.ts';
import { entry, restorePoint, verifyDocument } from '../../../../protocol/methods/restorePoints.ts';
import { restoreDocument } from '../../../../protocol/methods/restores.ts';
import { sessionInit, sessionStatus } from '../../../../protocol/methods/session.ts';
import { nameProblem, newName, reference, time } from '../../../../protocol/methods/values.ts';

function members(schema: z.ZodType): readonly string[] {
  assert.ok(schema instanceof z.ZodObject);
  return Object.keys(schema.shape);
}

/** The table of protocol.md and cli.md: what works in which state, and what asks for a passphrase once more. */
const rights: Readonly<Record<string, readonly string[]>> = {
  always: [
    'hello',
    'events.subscribe',
    'session.status',
    'session.lock',
    'session.stop',
    'session.makeWay',
    'session.autoLock',
    'session.claim',
    'passkey.check',
    'log.read',
    'diagnostics.collect',
    'action.result',
    'action.cancel',
  ],
  notSetUp: ['session.init', 'recovery.importStored'],
  whileLocked: [
    'session.unlock',
    'unattended.off',
    'passkey.list',
    'location.list',
    'alert.list',
    'alert.acknowledge',
    'alert.snooze',
    'immutability.status',
  ],
  stepUp: [
    'passkey.addPassphrase',
    'passkey.add',
    'passkey.schedule',
    'passkey.use',
    'passkey.rotate',
    'passkey.retire',
    'location.edit',
    'location.remove',
    'restorePoint.retire',
    'policy.export',
    'unattended.set',
    'immutability.setAbsence',
    'recovery.enable',
    'recovery.disable',
  ],
};

describe('protocol methods', () => {
  it('have names of their own, of family and verb', () => {
    assert.equal(new Set(methods.map(({ name }) => name)).size, methods.length);
    for (const { name } of methods) assert.match(name, /^(?:hello|[a-z][a-zA-Z]*\.[a-z][a-zA-Z]*)$/);
  });

  for (const method of methods) {
    it(`W9: ${method.name} asks for the right that the table gives it`, () => {
      const right = Object.keys(rights).find((each) => rights[each]?.includes(method.name)) ?? 'unlocked';
      assert.equal(method.right, right);
    });
  }

  it('name no method in the table of rights that is not there', () => {
    const known = new Set(methods.map(({ name }) => name));
    for (const name of Object.values(rights).flat()) assert.ok(known.has(name), name);
  });

  it('carry a request id exactly where they start work', () => {
    for (const { name, params, startsWork } of methods) assert.equal(members(params).includes('requestId'), startsWork === true, name);
  });

  it('are confirmed exactly where something is lost that can not be had back', () => {
    const asked = methods.filter(({ params }) => members(params).includes('confirmed')).map(({ name }) => name);
    assert.deepEqual(asked, [
      'passkey.retire',
      'location.remove',
      'policy.delete',
      'restorePoint.retire',
      'recovery.enable',
      'recovery.disable',
    ]);
  });

  it('page every list', () => {
    for (const { name, params, result } of methods) {
      if (!(result instanceof z.ZodObject) || !('next' in result.shape)) continue;
      assert.ok(members(params).includes('after') && members(params).includes('limit'), name);
    }
  });

  it('M1 M2: take no value for their parameters that does not fit, whatever it is, and never throw', () => {
    fc.assert(
      fc.property(fc.constantFrom(...methods), fc.jsonValue({ maxDepth: 4 }), (method: AnyMethod, value) => {
        const parsed = method.params.safeParse(value);
        if (parsed.success)
          assert.deepEqual(
            Object.keys(Object(value)).filter((member) => !members(method.params).includes(member)),
            [],
          );
      }),
    );
  });

  it('are strict both ways: the schema has no room for other members', () => {
    for (const { name, params, result } of methods) {
      for (const schema of [params, result]) {
        if (schema instanceof z.ZodObject) assert.ok(schema.def.catchall instanceof z.ZodNever, name);
      }
    }
  });

  it('M2: refuse members that they do not know', () => {
    for (const method of methods) {
      for (const text of ['{"__proto__": 1}', '{"constructor": 2}', '{"toString": 3}', '{"": 4}']) {
        assert.equal(method.params.safeParse(JSON.parse(text)).success, false, `${method.name} ${text}`);
      }
    }
  });
});

describe('protocol documents', () => {
  const contract: readonly (readonly [title: string, schema: z.ZodType, members: string])[] = [
    ['init', sessionInit.result, 'installationId passkey'],
    [
      'status',
      sessionStatus.result,
      'state installationId version pid startedAt passkeyInUse safeUntil lastBackup runningActions alerts readOnly unattended autoLock',
    ],
    ['passkey list', passkey, 'slotId name kind inUse state reference createdAt verifiedAt retirableFrom warnings'],
    ['location list', location, 'name kind immutable protectionPeriodDays lastValidatedAt lockProof heldBytes'],
    ['location validate', locationCheck, 'check result detail fix'],
    ['backup', backupDocument, 'actionId restorePointId outcome files bytes addedBytes skipped seconds'],
    [
      'restore-point list',
      restorePoint,
      'id policy policyId sequence startedAt uploadEndTime storeTime files bytes addedBytes protectedUntil state pinned verified anomaly description',
    ],
    ['restore-point files', entry, 'path kind mode size mtime linkTarget'],
    ['restore-point verify', verifyDocument, 'ok checkedObjects checkedBytes damaged'],
    ['restore', restoreDocument, 'files bytes skipped damaged seconds'],
    ['import-stored', importDocument, 'installationId policies restorePoints damaged seconds'],
  ];
  for (const [title, schema, expected] of contract) {
    it(`of "${title}" have every member of the contract`, () => {
      const there = members(schema);
      for (const member of expected.split(' ')) assert.ok(there.includes(member), member);
    });
  }
});

describe('protocol values', () => {
  it('take names that people give and refuse those that would be mistaken for something else', () => {
    for (const name of ['work', 'My Laptop', 'büro-2', '日本', 'a', 'v1.2_x+(y)', 'x'.repeat(64)]) {
      assert.equal(nameProblem(name), undefined, name);
      assert.ok(newName.safeParse(name).success);
    }
    for (const name of ['', ' a', 'a ', '-a', 'a@b', 'latest', 'a/b', 'a\nb', 'a\u202eb', '\u001b', 'x'.repeat(65), '.', '--json', 'a\0']) {
      assert.notEqual(nameProblem(name), undefined, JSON.stringify(name));
      assert.ok(!newName.safeParse(name).success);
    }
  });

  it('take references of 1 to 256 characters and times of RFC 3339 in UTC', () => {
    assert.deepEqual(
      ['', 'x', 'work@2026-01-01T00:00:00Z', 'x'.repeat(256), 'x'.repeat(257)].map((text) => reference.safeParse(text).success),
      [false, true, true, true, false],
    );
    assert.deepEqual(
      ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.123456789Z', '2026-01-02T03:04:05+01:00', '2026-01-02', ''].map(
        (text) => time.safeParse(text).success,
      ),
      [true, true, false, false, false],
    );
  });
});
