import assert from 'node:assert/strict';
import type { Caller } from '../../../extension/connection/daemonService.ts';
import * as z from 'zod';
import type { Method } from '../../../protocol/method.ts';

type Answer = (params: Readonly<Record<string, unknown>>) => unknown;

/** A daemon that answers what a test says, checked against the method's own schemas. */
export class FakeCaller implements Caller {
  readonly answers: Record<string, Answer>;
  readonly #calls: string[] = [];

  constructor(answers: Readonly<Record<string, Answer>>) {
    this.answers = { ...answers };
  }

  /** How often a method was called. */
  called(name: string): number {
    return this.#calls.filter((call) => call === name).length;
  }

  async call<Params, Result>(method: Method<Params, Result>, params: Params): Promise<Result> {
    this.#calls.push(method.name);
    const answer = this.answers[method.name] ?? assert.fail(`nothing answers ${method.name}`);
    return method.result.parse(answer(z.record(z.string(), z.unknown()).parse(method.params.parse(params))));
  }
}
