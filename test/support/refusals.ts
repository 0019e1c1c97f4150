import assert from 'node:assert/strict';
import { ruleOf, type FormatRule } from '../../daemon/repository/refusal.ts';

/** Asserts that `run` is refused by exactly this rule of the format. */
export function assertRefused(run: () => unknown, rule: FormatRule, about = ''): void {
  assert.throws(run, (error) => {
    assert.equal(ruleOf(error), rule, `${about} ${String(error)}`);
    return true;
  });
}

/** Asserts that `run` either succeeds or is refused by some rule: never an untyped error. */
export function assertTyped(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    assert.notEqual(ruleOf(error), undefined, error instanceof Error ? error.stack : String(error));
  }
}

/** As `assertRefused`, for a promise. */
export async function assertRejected(run: () => Promise<unknown>, rule: FormatRule): Promise<void> {
  await assert.rejects(run, (error) => {
    assert.equal(ruleOf(error), rule, String(error));
    return true;
  });
}
