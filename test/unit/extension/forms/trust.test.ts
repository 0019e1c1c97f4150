import assert from 'node:assert/strict';
import { refuseUntrustedCommands } from '../../../../extension/forms/policy/trust.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';

const hook = { command: 'true', timeLimit: 60 };

describe('commands of a policy in a workspace that is not trusted', () => {
  for (const [title, fields] of [
    ['a command before the run', { before: hook }],
    ['a command after the run', { after: hook }],
    ['a command as a source', { sources: [{ kind: 'command', name: 'x', command: 'true' }] }],
  ] as const) {
    it(`V3: are refused with a sentence and a way out: ${title}`, () => {
      assert.throws(
        () => refuseUntrustedCommands(fields, false),
        (error) =>
          HoldfastError.is(error, 'refusedByRule') && /not trusted/.test(error.message) && /Trust the workspace/.test(error.fix ?? ''),
      );
      assert.doesNotThrow(() => refuseUntrustedCommands(fields, true));
    });
  }

  it('V3: are no reason to refuse what runs none', () => {
    assert.doesNotThrow(() => refuseUntrustedCommands({ before: null, after: null, sources: [{ kind: 'folder', path: '/work' }] }, false));
    assert.doesNotThrow(() => refuseUntrustedCommands({}, false));
  });
});
