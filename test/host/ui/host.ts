import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { workbenchUrl, writeSettings } from '../../../scripts/workbench/workbenchServer.ts';
import { ScratchState } from '../../support/daemon.ts';
import { endProcess, goneWithin } from '../../support/processes.ts';
import { type HostEnvironment, readHostEnvironment } from '../hostEnvironment.ts';
import { OtherWorkbench } from './otherWorkbench.ts';
import { Workbench } from './workbench.ts';

export type ThemeKind = 'light' | 'dark' | 'highContrast' | 'highContrastLight';

export const themeKinds: readonly ThemeKind[] = ['light', 'dark', 'highContrast', 'highContrastLight'];

/** The theme that stands for each kind, and the class that the window bears while it is in force. */
const themes: Readonly<Record<ThemeKind, { readonly name: string; readonly mark: string }>> = {
  light: { name: 'Light Modern', mark: 'vs' },
  dark: { name: 'Dark Modern', mark: 'vs-dark' },
  highContrast: { name: 'Default High Contrast', mark: 'hc-black' },
  highContrastLight: { name: 'Default High Contrast Light', mark: 'hc-light' },
};

export interface WindowOptions {
  /** Absolute; default: the user's own empty folder. `null`: a window with no folder. */
  readonly folder?: string | null;
  readonly theme?: ThemeKind;
  /** Settings of the machine beside those that every test has. They hold for all windows that are open. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Where it is opened; default: the workbench of all tests, with the extension as it is packaged. */
  readonly workbench?: OtherWorkbench;
  /** Default: every workspace is trusted. `ask`: none is until the user says so. */
  readonly trust?: 'off' | 'ask';
  readonly width?: number;
  readonly height?: number;
}

const leaveGrace = 5000;
const hostTestLimit = 90_000;

/** Clean pictures, and nothing that speaks to the world outside. */
const quietSettings: Readonly<Record<string, unknown>> = {
  'chat.disableAIFeatures': true,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.enableExperiments': false,
  'extensions.ignoreRecommendations': true,
  'extensions.autoCheckUpdates': false,
  'git.enabled': false,
  'remote.autoForwardPorts': false,
  'files.autoSave': 'off',
  'window.title': '${rootName}',
  'window.commandCenter': false,
};

/** A user who was never here before: no state, no settings, an empty folder to work in. May open several windows. */
class HostUser {
  readonly scratch: ScratchState = new ScratchState();
  readonly folder: string = this.scratch.makeFolder('work');
  readonly #environment: HostEnvironment;
  readonly #browser: Browser;
  readonly #windows: Workbench[] = [];
  readonly #workbenches: OtherWorkbench[] = [];
  readonly #since = Date.now();
  #options: WindowOptions = {};
  readonly #logStart: number;

  constructor(environment: HostEnvironment, browser: Browser) {
    this.#environment = environment;
    this.#browser = browser;
    this.#logStart = this.#serverLog().length;
    rmSync(path.join(environment.dataDirectory, 'data', 'User'), { recursive: true, force: true, maxRetries: 3 });
  }

  async openWindow(options: WindowOptions): Promise<Workbench> {
    const { address } = options.workbench ?? this.#environment;
    const { screenshots } = this.#environment;
    this.#writeSettings(options);
    const context = await this.#browser.newContext({
      viewport: { width: options.width ?? 1280, height: options.height ?? 800 },
      permissions: ['clipboard-read', 'clipboard-write'],
      reducedMotion: 'reduce',
    });
    const window = new Workbench(context, await context.newPage(), screenshots);
    this.#windows.push(window);
    const folder = options.folder === undefined ? this.folder : options.folder;
    await window.load(workbenchUrl(address, folder === null ? {} : { folder }));
    return window;
  }

  async startWorkbench(vsix: string | undefined): Promise<OtherWorkbench> {
    const dataDirectory = path.join(this.scratch.folder, `workbench${this.#workbenches.length + 1}`);
    const workbench = await OtherWorkbench.start(this.#environment, dataDirectory, vsix ?? this.#environment.vsix);
    this.#workbenches.push(workbench);
    return workbench;
  }

  /** Changes the theme of all windows; resolves when this one shows it. */
  async useTheme(window: Workbench, theme: ThemeKind): Promise<void> {
    this.#writeSettings({ ...this.#options, theme });
    await window.page.locator(`.monaco-workbench.${themes[theme].mark}`).waitFor();
  }

  /** Pictures, consoles and logs of a test that failed; gives their folder. */
  async keepTraces(title: string): Promise<string> {
    const folder = path.join(this.#environment.failures, title.replaceAll(/[^\w.-]+/g, '-').slice(0, 120));
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    for (const [index, window] of this.#windows.entries()) {
      writeFileSync(path.join(folder, `window${index + 1}.console.log`), window.console.join('\n'));
      if (window.page.isClosed()) continue;
      await window.page.screenshot({ path: path.join(folder, `window${index + 1}.png`), timeout: leaveGrace }).catch(() => undefined);
    }
    writeFileSync(path.join(folder, 'server.log'), this.#serverLog().slice(this.#logStart));
    for (const { dataDirectory } of [this.#environment, ...this.#workbenches]) {
      const logs = path.join(dataDirectory, 'data', 'logs');
      const kept = path.join(
        folder,
        'extensionHost',
        dataDirectory === this.#environment.dataDirectory ? '' : path.basename(dataDirectory),
      );
      for (const file of globSync('*/exthost*/**/*.log', { cwd: logs })) {
        if (statSync(path.join(logs, file)).mtimeMs < this.#since) continue;
        cpSync(path.join(logs, file), path.join(kept, file.replaceAll(path.sep, '-')));
      }
    }
    for (const file of existsSync(this.scratch.state) ? globSync('**/*.log*', { cwd: this.scratch.state }) : []) {
      cpSync(path.join(this.scratch.state, file), path.join(folder, 'daemon', path.basename(file)));
    }
    return folder;
  }

  /** Closes the windows, waits for their extension hosts (one that lives on would start the daemon again), then ends the daemon. */
  async leave(): Promise<void> {
    for (const window of this.#windows) await window.close();
    for (const pid of this.extensionHosts()) if (!(await goneWithin(pid, leaveGrace))) await endProcess(pid);
    for (const workbench of this.#workbenches) await workbench[Symbol.asyncDispose]();
    await this.scratch[Symbol.asyncDispose]();
  }

  /** Processes of the extension hosts that this user's windows had, oldest first. */
  extensionHosts(): readonly number[] {
    const launched = this.#serverLog()
      .slice(this.#logStart)
      .matchAll(/<(\d+)> Launched Extension Host Process/g);
    return Array.from(launched, ([, pid]) => Number(pid));
  }

  #writeSettings(options: WindowOptions): void {
    const { dataDirectory } = options.workbench ?? this.#environment;
    const theme = { 'workbench.colorTheme': themes[options.theme ?? 'light'].name };
    this.#options = options;
    writeSettings(dataDirectory, 'Machine', {
      ...quietSettings,
      ...theme,
      'holdfast.stateDirectory': this.scratch.state,
      ...options.settings,
    });
    writeSettings(dataDirectory, 'User', { ...theme, 'security.workspace.trust.enabled': options.trust === 'ask' });
  }

  #serverLog(): string {
    return readFileSync(path.join(this.#environment.dataDirectory, 'server.log'), 'utf8');
  }
}

/** What tests see of the user that was made for them. */
export class Host {
  #user: HostUser | undefined;
  #browser: Browser | undefined;

  /** State directory, command line and scratch folders of this user. */
  get scratch(): ScratchState {
    return this.#present.scratch;
  }

  /** The folder that windows open, empty at first. */
  get folder(): string {
    return this.#present.folder;
  }

  /** The process in which the extension of the newest window runs. */
  extensionHostPid(): number {
    const pid = this.#present.extensionHosts().at(-1);
    if (pid === undefined) throw new Error('no window was opened');
    return pid;
  }

  async openWindow(options: WindowOptions = {}): Promise<Workbench> {
    return await this.#present.openWindow(options);
  }

  /** A workbench of this test's own, ended behind it, with this package installed; default: the one of all tests. */
  async startWorkbench(vsix?: string): Promise<OtherWorkbench> {
    return await this.#present.startWorkbench(vsix);
  }

  /** The packaged extension that all tests use. */
  get vsix(): string {
    return readHostEnvironment().vsix;
  }

  /** Changes the theme of all windows; resolves when this one shows it. */
  async useTheme(window: Workbench, theme: ThemeKind): Promise<void> {
    await this.#present.useTheme(window, theme);
  }

  /** For the hooks below. */
  async enter(): Promise<void> {
    const environment = readHostEnvironment();
    this.#browser = await chromium.connect(environment.browser);
    this.#user = new HostUser(environment, this.#browser);
  }

  async keepTraces(title: string): Promise<void> {
    const folder = await this.#user?.keepTraces(title);
    process.stderr.write(`Traces of "${title}" are in ${path.relative('', folder ?? '')}\n`);
  }

  async leave(): Promise<void> {
    const [user, browser] = [this.#user, this.#browser];
    this.#user = undefined;
    this.#browser = undefined;
    try {
      await user?.leave();
    } finally {
      await browser?.close();
    }
  }

  get #present(): HostUser {
    if (this.#user === undefined) throw new Error('there is a host only while a test runs');
    return this.#user;
  }
}

function keepTracesOfFailures(host: Host): void {
  afterEach(async function (this: Mocha.Context) {
    if (this.currentTest?.state === 'failed') await host.keepTraces(this.currentTest.fullTitle());
  });
}

/** A new user for each test of the suite that this is called in. */
export function hostForEachTest(): Host {
  const host = new Host();
  beforeEach(async function (this: Mocha.Context) {
    this.currentTest?.timeout(hostTestLimit);
    await host.enter();
  });
  keepTracesOfFailures(host);
  afterEach(async () => await host.leave());
  return host;
}

/** One user for all tests of the suite that this is called in: each goes on where the one before ended. */
export function hostForSuite(): Host {
  const host = new Host();
  before(async () => await host.enter());
  beforeEach(function (this: Mocha.Context) {
    this.currentTest?.timeout(hostTestLimit);
  });
  keepTracesOfFailures(host);
  after(async () => await host.leave());
  return host;
}
