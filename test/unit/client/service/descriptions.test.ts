import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { launchdAgent } from '../../../../client/service/launchdAgent.ts';
import { scheduledTask } from '../../../../client/service/scheduledTask.ts';
import { serviceName, type ServiceProgram, writableFolders } from '../../../../client/service/serviceProgram.ts';
import { systemdUnit } from '../../../../client/service/systemdUnit.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';

const golden = (name: string): string => readFileSync(path.join(import.meta.dirname, 'golden', name), 'utf8');

/** Paths with everything that a description could trip over. */
const odd: ServiceProgram = {
  name: 'holdfast',
  runtimePath: '/opt/Node & "Söhne"/100%/node',
  isElectron: true,
  entryPath: "/home/ann lee/it's/$HOME/\\back/programs/0.1.0-ab/daemon/main.js",
  stateDirectory: '/home/ann lee/<state> %h',
  homeDirectory: '/home/ann lee',
  searchPath: '/usr/bin:/home/ann lee/bin %d',
  writable: ['/home/ann lee', '/mnt/a "b" 100%', '/srv/ü\\x'],
};

const plain: ServiceProgram = {
  name: 'holdfast',
  runtimePath: '/opt/Node & Co/100%/node',
  isElectron: false,
  entryPath: '/home/ann/.local/share/holdfast/programs/0.1.0-ab/daemon/main.js',
  stateDirectory: '/home/ann/.local/share/holdfast',
  homeDirectory: '/home/ann',
  searchPath: '',
  writable: undefined,
};

const windows: ServiceProgram = {
  name: 'holdfast',
  runtimePath: 'C:\\Program Files\\Söhne & Co\\node.exe',
  isElectron: false,
  entryPath: 'C:\\Users\\ann lee\\AppData\\Local\\holdfast\\programs\\0.1.0-ab\\daemon\\main.js',
  stateDirectory: 'C:\\Users\\ann lee\\100% state\\',
  homeDirectory: 'C:\\Users\\ann lee',
  searchPath: '',
  writable: undefined,
};

describe('description of the service', () => {
  const texts: readonly (readonly [file: string, text: () => string])[] = [
    ['systemd.service', () => systemdUnit(odd)],
    ['systemdPlain.service', () => systemdUnit(plain)],
    ['launchd.plist', () => launchdAgent(odd)],
    ['launchdPlain.plist', () => launchdAgent(plain)],
    ['task.xml', () => scheduledTask(windows, 'OFFICE\\ann lee')],
    ['taskElectron.xml', () => scheduledTask({ ...windows, isElectron: true, stateDirectory: 'C:\\Users\\ann lee\\state' }, 'ann')],
  ];
  for (const [file, text] of texts) {
    it(`is what test/unit/client/service/golden/${file} says`, () => assert.equal(text().replaceAll('\r\n', '\n'), golden(file)));
  }

  it('K6: carries nothing of the environment but what the daemon needs', () => {
    const names = systemdUnit({ ...odd, isElectron: false, searchPath: '' }).matchAll(/^Environment="([^=]+)=/gm);
    assert.deepEqual(
      Array.from(names, ([, name]) => name),
      ['MALLOC_ARENA_MAX', 'MALLOC_MMAP_THRESHOLD_'],
    );
  });

  it('M8: is refused for paths that could begin another line, on each system', () => {
    for (const character of ['\n', '\r', '\0', '\u001b', '\u0085']) {
      for (const member of ['entryPath', 'stateDirectory', 'runtimePath'] as const) {
        const program = { ...odd, [member]: `/a${character}ExecStartPre=/bin/evil` };
        for (const describeIt of [systemdUnit, launchdAgent, (each: ServiceProgram) => scheduledTask(each, 'ann')])
          assert.throws(() => describeIt(program), { code: 'badValue' });
      }
      assert.throws(() => systemdUnit({ ...odd, writable: [`/a${character}b`] }), { code: 'badValue' });
      assert.throws(() => scheduledTask(windows, `ann${character}`), { code: 'badValue' });
    }
  });

  it('is refused on Windows where cmd would read a path otherwise than it is', () => {
    for (const character of ['%', '!', '^', '"']) {
      const program = { ...windows, isElectron: true, stateDirectory: `C:\\a${character}b` };
      assert.throws(
        () => scheduledTask(program, 'ann'),
        (error) => HoldfastError.is(error, 'badValue') && error.fix !== undefined,
      );
    }
  });
});

describe('names and folders of the service', () => {
  it('are plain for the usual state directory, and of their own for every other', () => {
    assert.equal(serviceName('/s/holdfast', '/s/holdfast'), 'holdfast');
    assert.equal(serviceName('/s/x/../holdfast/', '/s/holdfast'), 'holdfast');
    const others = ['/s/a', '/s/b', '/s/a b'].map((state) => serviceName(state, '/s/holdfast'));
    assert.equal(new Set(others).size, 3);
    for (const name of others) assert.match(name, /^holdfast-[0-9a-f]{8}$/);
  });

  it('let a confined daemon write to what is its own and the user’s, to its locations, and to what was asked for, each once', () => {
    const folders = writableFolders({
      homeDirectory: '/home/ann',
      stateDirectory: '/s',
      locations: ['/backup', '/s'],
      more: ['/srv', '/tmp'],
    });
    assert.deepEqual(folders, ['/home/ann', '/s', '/backup', '/srv', '/tmp', '/var/tmp', '/mnt', '/media', '/run/media']);
  });
});
