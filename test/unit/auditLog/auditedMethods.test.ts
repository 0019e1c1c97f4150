import assert from 'node:assert/strict';
import * as z from 'zod';
import { factsOfCall, madeSubjects } from '../../../daemon/auditLog/auditDraft.ts';
import type { AnyMethod } from '../../../protocol/method.ts';
import { secretRef } from '../../../protocol/method.ts';
import { actionKinds } from '../../../protocol/methods/actions.ts';
import { methods } from '../../../protocol/methods/index.ts';
import { reference, time, uuid } from '../../../protocol/methods/values.ts';
import { newId } from '../../support/ids.ts';

/** What changes neither rights nor protection: it reads, it makes or verifies backups, or it takes part in showing them. Whoever adds to it says that much. */
const notAudited: readonly string[] = [
  'hello',
  'events.subscribe',
  'session.status',
  'session.claim',
  'log.read',
  'diagnostics.collect',
  'passkey.list',
  'passkey.check',
  'passkey.gate',
  'location.check',
  'location.list',
  'location.validate',
  'location.proveLock',
  'immutability.status',
  'immutability.refresh',
  'immutability.audit',
  'policy.list',
  'policy.show',
  'policy.retention',
  'backup.start',
  'restorePoint.list',
  'restorePoint.policies',
  'restorePoint.show',
  'restorePoint.stat',
  'restorePoint.files',
  'restorePoint.cat',
  'restorePoint.dump',
  'restorePoint.diff',
  'restorePoint.verify',
  'restorePoint.fileHistory',
  'restore.start',
  'recovery.status',
  'recovery.backup',
  'action.list',
  'action.show',
  'action.result',
  'action.cancel',
  'action.findings',
  'alert.list',
  'audit.list',
  'audit.verify',
];

const audited: readonly AnyMethod[] = methods.filter(({ audit }) => audit !== undefined);

function shapeOf(schema: unknown): Readonly<Record<string, z.core.$ZodType>> {
  assert.ok(schema instanceof z.ZodObject);
  return schema.shape;
}

function unwrapped(schema: z.core.$ZodType | undefined): z.core.$ZodType | undefined {
  if (schema instanceof z.ZodExactOptional || schema instanceof z.ZodOptional || schema instanceof z.ZodNullable)
    return unwrapped(schema.unwrap());
  return schema;
}

/** Whether nothing that somebody types can get through it. */
function isHarmless(schema: z.core.$ZodType | undefined): boolean {
  const plain = unwrapped(schema);
  if (plain === undefined) return false;
  if (plain === time || plain === uuid) return true;
  if (plain instanceof z.ZodObject) return Object.values(shapeOf(plain)).every(isHarmless);
  return plain instanceof z.ZodNumber || plain instanceof z.ZodBoolean || plain instanceof z.ZodEnum || plain instanceof z.ZodLiteral;
}

/** A value that the schema may or may not take, with the canary wherever text can be. */
function laden(schema: z.core.$ZodType | undefined, canary: string): unknown {
  const plain = unwrapped(schema);
  if (plain === secretRef) return { secretId: 7 };
  if (plain instanceof z.ZodObject) {
    return Object.fromEntries(Object.entries(shapeOf(plain)).map(([member, value]) => [member, laden(value, canary)]));
  }
  if (plain instanceof z.ZodArray) return [laden(plain.element, canary)];
  if (plain instanceof z.ZodUnion) return laden(plain.options[0], canary);
  if (plain instanceof z.ZodNumber) return 5;
  if (plain instanceof z.ZodBoolean) return true;
  if (plain instanceof z.ZodEnum) return plain.options[0];
  if (plain instanceof z.ZodLiteral) return plain.value;
  return plain === time ? '2026-01-02T03:04:05Z' : canary;
}

describe('what the audit log has of each method', () => {
  for (const method of methods) {
    it(`R10: ${method.name} is in the log, or is said to change neither rights nor protection`, () => {
      assert.notEqual(method.audit !== undefined, notAudited.includes(method.name), method.name);
    });
  }

  it('names no method that is not there as one that needs no log', () => {
    const known = new Set(methods.map(({ name }) => name));
    assert.deepEqual(
      notAudited.filter((name) => !known.has(name)),
      [],
    );
  });

  it('R10: has everything that asks for a step-up or makes an installation', () => {
    for (const { name, right, audit } of methods) {
      if (right === 'stepUp' || right === 'notSetUp') assert.ok(audit !== undefined, name);
    }
  });

  it('names kinds of actions that there are, each by one method', () => {
    const kinds = audited.flatMap(({ audit }) => audit?.action ?? []);
    assert.deepEqual(kinds.toSorted(), [...new Set(kinds)].toSorted());
    assert.deepEqual(
      kinds.filter((kind) => !actionKinds.some((known) => known === kind)),
      [],
    );
    assert.ok(kinds.includes('collectGarbage') && kinds.includes('importStored') && kinds.includes('rotatePasskey'));
  });

  it('does only what gives rights or data back where the log can not be written', () => {
    assert.deepEqual(
      methods.filter(({ audit }) => audit?.evenUnlogged === true).map(({ name }) => name),
      ['session.unlock', 'session.lock', 'session.makeWay', 'session.stop'],
    );
  });

  for (const method of audited) {
    const { name, audit = {} } = method;
    it(`names parameters and results of ${name} that it has, and writes down none that could hold free text`, () => {
      const params = shapeOf(method.params);
      for (const member of Object.keys(audit.subjects ?? {})) assert.equal(unwrapped(params[member]), reference, member);
      for (const member of audit.facts ?? []) assert.ok(isHarmless(params[member]), member);
      for (const path of Object.keys(audit.made ?? {})) {
        const found = path
          .split('.')
          .reduce<z.core.$ZodType | undefined>((schema, member) => shapeOf(unwrapped(schema))[member], method.result);
        assert.equal(unwrapped(found), uuid, path);
      }
    });

    it(`K6: keeps of ${name} nothing that was typed`, () => {
      const canary = 'canary-7f3a9c51e0-passphrase';
      const params = laden(method.params, canary);
      const facts = factsOfCall(method, params, () => undefined);
      assert.ok(!JSON.stringify(facts).includes(canary), JSON.stringify(facts));
      assert.deepEqual(
        [...facts.given, ...Object.keys(facts.facts), ...Object.keys(audit.subjects ?? {})].toSorted(),
        Object.keys(shapeOf(method.params))
          .filter((member) => member !== 'requestId')
          .toSorted(),
        'every parameter is accounted for',
      );
      const made = madeSubjects(audit, laden(method.result, canary));
      assert.ok(!JSON.stringify(made).includes(canary));
    });
  }

  it('K6: takes nothing for the id of what was made that is none', () => {
    for (const id of ['canary', 5, null, undefined, { toString: () => newId() }, `${newId()}x`]) {
      assert.deepEqual(madeSubjects({ made: { id: 'alert' } }, { id }), { subjects: [], isWhole: false });
    }
    assert.deepEqual(madeSubjects({ made: { id: 'alert' } }, null), { subjects: [], isWhole: false });
  });
});
