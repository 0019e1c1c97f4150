import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import {
  extensionsFolder,
  installExtension,
  startWorkbenchServer,
  uninstallExtension,
  type WorkbenchAddress,
  type WorkbenchServer,
} from '../../../scripts/workbench/workbenchServer.ts';
import type { HostEnvironment } from '../hostEnvironment.ts';

const extensionId = 'holdfast.holdfast';

/** A workbench of one test alone, whose extension may be another one, be updated and be taken away. Disposing ends it. */
export class OtherWorkbench implements AsyncDisposable {
  readonly dataDirectory: string;
  readonly #environment: HostEnvironment;
  readonly #server: WorkbenchServer;

  private constructor(environment: HostEnvironment, dataDirectory: string, server: WorkbenchServer) {
    this.#environment = environment;
    this.dataDirectory = dataDirectory;
    this.#server = server;
  }

  /** `dataDirectory` is made; `vsix` is what is installed at first. */
  static async start(environment: HostEnvironment, dataDirectory: string, vsix: string): Promise<OtherWorkbench> {
    const { codeServer, builtInExtensions } = environment;
    mkdirSync(dataDirectory, { recursive: true });
    await installExtension(codeServer, dataDirectory, vsix);
    return new OtherWorkbench(environment, dataDirectory, await startWorkbenchServer({ codeServer, dataDirectory, builtInExtensions }));
  }

  get address(): WorkbenchAddress {
    return this.#server.address;
  }

  /** Folders of our extension that lie there now, by their names. */
  extensionFolders(): readonly string[] {
    return readdirSync(extensionsFolder(this.dataDirectory)).filter((name) => name.startsWith(extensionId));
  }

  /** Installs another version over the one that is there, whose files go at once: as at the next start of the workbench. */
  async update(vsix: string): Promise<void> {
    const before = this.extensionFolders();
    await installExtension(this.#environment.codeServer, this.dataDirectory, vsix);
    const after = this.extensionFolders().filter((name) => !before.includes(name));
    if (after.length !== 1) throw new Error(`one version was to be new: ${before.join(' ')} became ${this.extensionFolders().join(' ')}`);
    this.#remove(before);
  }

  /** Takes the extension away with all of its files. */
  async uninstall(): Promise<void> {
    const before = this.extensionFolders();
    await uninstallExtension(this.#environment.codeServer, this.dataDirectory, extensionId);
    this.#remove(before);
  }

  /** Puts the extension back after `uninstall`. */
  async install(vsix: string): Promise<void> {
    await installExtension(this.#environment.codeServer, this.dataDirectory, vsix);
  }

  log(): string {
    return readFileSync(this.#server.logFile, 'utf8');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }

  #remove(folders: readonly string[]): void {
    for (const folder of folders) rmSync(path.join(extensionsFolder(this.dataDirectory), folder), { recursive: true, force: true });
  }
}
