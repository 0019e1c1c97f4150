import assert from 'node:assert/strict';
import { outdatedReason } from '../../../client/outdated.ts';

const exists = (): boolean => true;

describe('outdated daemon', () => {
  const daemon = { programVersion: '0.10.0', runtimePath: '/opt/node', entryPath: '/opt/main.js' };

  it('is one of an older version, compared by numbers', () => {
    for (const programVersion of ['0.10.1', '0.11.0', '1.0.0', '1.0.0-beta']) {
      assert.match(outdatedReason(daemon, { programVersion, exists }) ?? '', /^it was version 0\.10\.0, not /, programVersion);
    }
  });

  it('is none of the same or a newer version, nor one that is on another runtime', () => {
    for (const programVersion of ['0.10.0', '0.9.9', '0.2.0', 'what?']) {
      assert.equal(outdatedReason(daemon, { programVersion, exists }), undefined, programVersion);
    }
  });

  it('is one whose runtime or entry file is not there any more', () => {
    for (const gone of [daemon.runtimePath, daemon.entryPath]) {
      const own = { programVersion: '0.10.0', exists: (path: string): boolean => path !== gone };
      assert.equal(outdatedReason(daemon, own), `it ran from ${gone}, which is not there any more`);
    }
  });
});
