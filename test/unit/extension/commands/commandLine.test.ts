import assert from 'node:assert/strict';
import { commandLineOf, locationCommandLine, locationVerbs } from '../../../../extension/commands/commandLine.ts';
import type { Subject } from '../../../../extension/views/row.ts';
import { noon, someId } from '../samples.ts';

describe('a row as a command', () => {
  const table: readonly (readonly [Subject, string])[] = [
    [{ kind: 'policy', id: someId, name: 'my home' }, "holdfast backup 'my home'"],
    [{ kind: 'restorePoint', id: someId, policy: 'home', startedAt: noon }, 'holdfast restore 0a0a0a0a --target DIR'],
    [{ kind: 'entry', restorePointId: someId, path: '-a b', isFolder: true }, "holdfast restore 0a0a0a0a '--path=-a b' --target DIR"],
    [{ kind: 'entry', restorePointId: someId, path: '-a', isFolder: false }, 'holdfast restore-point cat 0a0a0a0a -- -a'],
    [{ kind: 'passkey', id: someId, name: 'main' }, 'holdfast passkey verify main'],
    [{ kind: 'location', id: someId, name: "it's", keepsLocks: true }, String.raw`holdfast location validate 'it'\''s'`],
    [{ kind: 'alert', id: someId, message: 'x' }, 'holdfast alert acknowledge 0a0a0a0a'],
    [{ kind: 'action', id: someId }, 'holdfast action show 0a0a0a0a'],
  ];
  for (const [subject, line] of table) it(`reads ${line}`, () => assert.equal(commandLineOf(subject, undefined), line));

  it('is one of several for a location that keeps locks, and only the look at it for another', () => {
    assert.deepEqual(
      locationVerbs({ keepsLocks: true }).map((verb) => locationCommandLine('my vault', verb, undefined)),
      [
        "holdfast location validate 'my vault'",
        "holdfast location prove-lock 'my vault'",
        "holdfast immutability refresh --location 'my vault'",
        "holdfast immutability audit --location 'my vault'",
      ],
    );
    assert.deepEqual(locationVerbs({ keepsLocks: false }), ['validateLocation']);
    assert.equal(locationCommandLine('vault', 'auditLocks', '/tmp/s'), 'holdfast --state /tmp/s immutability audit --location vault');
  });

  it('M6: is one word of a shell for each part, whatever a file is called', () => {
    const line = commandLineOf({ kind: 'entry', restorePointId: someId, path: 'a; rm -rf ~ $(x)\n`y`', isFolder: false }, undefined);
    assert.equal(line, String.raw`holdfast restore-point cat 0a0a0a0a -- 'a; rm -rf ~ $(x)\n` + "`y`'");
  });

  it('names the state directory where it is not the usual one', () => {
    const line = commandLineOf({ kind: 'policy', id: someId, name: 'home' }, '/tmp/other state');
    assert.equal(line, "holdfast --state '/tmp/other state' backup home");
  });
});
