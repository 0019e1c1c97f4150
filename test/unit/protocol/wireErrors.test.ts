import assert from 'node:assert/strict';
import { type ErrorCode, exitStatusOf, HoldfastError, isErrorCode } from '../../../protocol/errors.ts';
import { fromWireError, toWireError, wireError } from '../../../protocol/wireErrors.ts';

describe('wire errors', () => {
  it('bring every error to the other side with code, sentence, way out and details', () => {
    for (const code of Object.keys(exitStatusOf).filter(isErrorCode)) {
      const error = new HoldfastError(code, `Failed to do it: ${code}.`, {
        fix: 'Do this.',
        details: { n: 1 },
        cause: new Error('not sent'),
      });
      const sent = wireError.parse(JSON.parse(JSON.stringify(toWireError(error))));
      const { message, fix, details, exitStatus, cause } = fromWireError(sent);
      assert.deepEqual(
        { message, fix, details, exitStatus, cause },
        { message: error.message, fix: 'Do this.', details: { n: 1 }, exitStatus: error.exitStatus, cause: undefined },
      );
    }
  });

  it('make a failure of what a newer daemon says, and keep its code', () => {
    for (const code of ['somethingNew', 'constructor', '__proto__']) {
      const error = fromWireError({ code: 7, message: 'Failed to do it: something new.', data: { code } });
      assert.deepEqual([error.code, error.details], ['failed' satisfies ErrorCode, { unknownCode: code }]);
    }
    assert.equal(fromWireError({ code: -32601, message: 'x' }).details?.['unknownCode'], -32601);
  });
});
