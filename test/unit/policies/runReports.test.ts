import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { boundedReports } from '../../../daemon/policies/runReports.ts';
import type { CommandReport, ProcessReport } from '../../../protocol/methods/backups.ts';

const report = (standardError: string): ProcessReport => ({ exitStatus: 1, signal: null, seconds: 1, standardError, problem: 'x' });
const command = (standardError: string): CommandReport => ({ ...report(standardError), name: 'a', bytes: 0, kept: false });

describe('reports of commands', () => {
  it('leave what is short as it is', () => {
    const reports = { commands: [command('a\n'), command('')], hooks: { before: report('b'), after: null } };
    assert.deepEqual(boundedReports(reports), reports);
  });

  it('fit into an answer together, whatever was said, and keep its end', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary', maxLength: 400 }), { maxLength: 6 }),
        fc.integer({ min: 60, max: 2000 }),
        (texts, bytes) => {
          const { commands, hooks } = boundedReports(
            { commands: texts.map(command), hooks: { before: report('x'.repeat(3000)), after: null } },
            bytes,
          );
          const all = [...commands.map(({ standardError }) => standardError), hooks.before?.standardError ?? ''];
          const share = Math.floor(bytes / all.length);
          for (const [at, text] of all.entries()) {
            assert.ok(Buffer.byteLength(JSON.stringify(text)) <= share, `${text.length} of ${share}`);
            const whole = texts[at] ?? 'x'.repeat(3000);
            assert.ok(text === whole || whole.endsWith(text.slice(1)));
            assert.ok(text === whole || text.isWellFormed() === whole.isWellFormed());
          }
        },
      ),
    );
  });
});
