import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { pipeName, type RuntimeSurroundings, runtimeFolders, socketPathIn, socketPathLimit } from '../../../protocol/endpoint.ts';
import { programVersion, protocolVersion, versionProblem } from '../../../protocol/version.ts';

const linux: RuntimeSurroundings = {
  platform: 'linux',
  environment: { XDG_RUNTIME_DIR: '/run/user/1000' },
  temporaryDirectory: '/tmp',
  userId: 1000,
};

describe('endpoint', () => {
  it('prefers the session’s runtime folder, and falls back to a folder keyed by the user', () => {
    assert.deepEqual(runtimeFolders(linux), ['/run/user/1000/holdfast', '/tmp/holdfast-1000']);
    assert.deepEqual(runtimeFolders({ ...linux, environment: {} }), ['/tmp/holdfast-1000']);
    assert.deepEqual(runtimeFolders({ ...linux, environment: { XDG_RUNTIME_DIR: 'relative' } }), ['/tmp/holdfast-1000']);
    assert.deepEqual(runtimeFolders({ ...linux, platform: 'win32' }), []);
  });

  it('passes over folders whose paths are too long for a socket', () => {
    const long = `/${'x'.repeat(80)}`;
    const folders = runtimeFolders({ ...linux, environment: { XDG_RUNTIME_DIR: long }, temporaryDirectory: `${long}/T` });
    assert.deepEqual(folders, ['/tmp/holdfast-1000']);
    for (const folder of runtimeFolders({ ...linux, temporaryDirectory: '/var/folders/zz/zyxvpxvq6csfxvn_n0000000000000/T' })) {
      assert.ok(Buffer.byteLength(socketPathIn(folder, '/any/state')) <= socketPathLimit);
    }
  });

  it('gives each state directory a socket of its own, of the same length', () => {
    const paths = ['/a', '/b', `/${'c'.repeat(5000)}`].map((state) => socketPathIn('/tmp/holdfast-1000', state));
    assert.equal(new Set(paths).size, 3);
    assert.equal(new Set(paths.map(({ length }) => length)).size, 1);
  });

  it('names pipes at random', () => {
    assert.equal(pipeName(Buffer.alloc(16, 0xab)), `\\\\.\\pipe\\holdfast-${'ab'.repeat(16)}`);
  });
});

describe('version', () => {
  it('is the package’s', () => {
    const { version }: { version: string } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
    assert.equal(programVersion, version);
  });

  it('says what to do where they differ in the major one, and lets minor versions differ', () => {
    assert.equal(versionProblem(protocolVersion, { ...protocolVersion, minor: 99 }), undefined);
    assert.match(
      versionProblem({ major: 1, minor: 0 }, { major: 2, minor: 0 }) ?? '',
      /it speaks protocol 1 and this side protocol 2\. End the daemon/,
    );
    assert.match(
      versionProblem({ major: 2, minor: 0 }, { major: 1, minor: 9 }) ?? '',
      /it speaks protocol 2 and this side protocol 1\. Update Holdfast on this side/,
    );
  });
});
