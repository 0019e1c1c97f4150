import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { commandScript, shellScript, writeLauncher } from '../../../client/launcher.ts';

const odd = 'it\'s a "state" $HOME `x` %PATH%';

class Scratch implements Disposable {
  readonly folder: string = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'hf-launcher-')));
  readonly state: string = path.join(this.folder, odd);
  readonly commandLinePath: string = path.join(this.state, 'main.mjs');

  constructor() {
    mkdirSync(this.state);
    writeFileSync(
      this.commandLinePath,
      'console.log(JSON.stringify([process.argv.slice(2), process.env["ELECTRON_RUN_AS_NODE"]])); process.exitCode = 6;',
    );
  }

  write(isElectron: boolean): Promise<string> {
    const { state, commandLinePath } = this;
    return writeLauncher({ stateDirectory: state, runtimePath: process.execPath, isElectron, commandLinePath });
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

describe('launcher of the command line', () => {
  it('starts it by its name, with every argument and its exit status, whatever characters its place has', async function () {
    if (process.platform === 'win32') this.skip();
    using scratch = new Scratch();
    for (const [isElectron, variable] of [
      [true, '1'],
      [false, null],
    ] as const) {
      const folder = await scratch.write(isElectron);
      const args = ['a b', '--flag=$HOME', '', "'"];
      const { status, stdout } = spawnSync('holdfast', args, { env: { PATH: folder }, encoding: 'utf8' });
      assert.deepEqual(JSON.parse(stdout), [args, variable]);
      assert.equal(status, 6);
    }
  });

  it('lies in a folder of this user alone and is replaced only where it says something else', async () => {
    using scratch = new Scratch();
    const folder = await scratch.write(false);
    assert.deepEqual(readdirSync(folder).toSorted(), ['holdfast', 'holdfast.cmd']);
    assert.equal(readFileSync(path.join(scratch.state, 'programs', 'launcher'), 'utf8'), `${scratch.commandLinePath}\n`);
    const file = path.join(folder, 'holdfast');
    for (const each of [folder, file]) assert.equal(lstatSync(each).mode & 0o777, 0o700);
    const { ino } = lstatSync(file);
    await scratch.write(false);
    assert.equal(lstatSync(file).ino, ino);
    chmodSync(folder, 0o777);
    chmodSync(file, 0o777);
    await scratch.write(false);
    for (const each of [folder, file]) assert.equal(lstatSync(each).mode & 0o777, 0o700, each);
    await scratch.write(true);
    assert.match(readFileSync(file, 'utf8'), /ELECTRON_RUN_AS_NODE=1/u);
  });

  it('is not put where a link leads away', async () => {
    using scratch = new Scratch();
    const away = path.join(scratch.folder, 'away');
    mkdirSync(away);
    symlinkSync(away, path.join(scratch.state, 'bin'));
    await assert.rejects(scratch.write(false), { code: 'refusedByRule' });
    assert.deepEqual(readdirSync(away), []);
  });

  it('is written for cmd too, where a percent sign would be a variable', () => {
    const request = { stateDirectory: '', runtimePath: 'C:\\100%\\Code.exe', isElectron: true, commandLinePath: 'C:\\s\\cli\\main.js' };
    assert.equal(
      commandScript(request),
      '@echo off\r\nsetlocal\r\nset "ELECTRON_RUN_AS_NODE=1"\r\n"C:\\100%%\\Code.exe" --disable-warning=ExperimentalWarning "C:\\s\\cli\\main.js" %*\r\n',
    );
    assert.equal(
      shellScript({ ...request, isElectron: false, runtimePath: "/it's" }),
      `#!/bin/sh\nexec '/it'\\''s' '--disable-warning=ExperimentalWarning' 'C:\\s\\cli\\main.js' "$@"\n`,
    );
  });
});
