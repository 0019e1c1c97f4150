import * as vscode from 'vscode';

/** Files of restore points: `holdfast://RESTORE-POINT-ID/path/in/it`. */
export const fileScheme = 'holdfast';

/** The read-only part of a file system: what a restore point can do. */
export interface ReadableFiles {
  stat(uri: vscode.Uri): Promise<vscode.FileStat>;
  readDirectory(uri: vscode.Uri): Promise<[string, vscode.FileType][]>;
  readFile(uri: vscode.Uri): Promise<Uint8Array>;
}

/** Registered from the moment of activation; answers once the files behind it are loaded. Nothing in a restore point ever changes. */
export class LateFiles implements vscode.FileSystemProvider {
  readonly #files = Promise.withResolvers<ReadableFiles>();
  readonly #changed = new vscode.EventEmitter<vscode.FileChangeEvent[]>();
  readonly onDidChangeFile: vscode.Event<vscode.FileChangeEvent[]> = this.#changed.event;

  register(): vscode.Disposable {
    const isReadonly = new vscode.MarkdownString(vscode.l10n.t('A file of a restore point stays as it was. Restore it to change it.'));
    return vscode.workspace.registerFileSystemProvider(fileScheme, this, { isReadonly, isCaseSensitive: true });
  }

  load(files: ReadableFiles): void {
    this.#files.resolve(files);
  }

  watch(): vscode.Disposable {
    return new vscode.Disposable(() => undefined);
  }

  async stat(uri: vscode.Uri): Promise<vscode.FileStat> {
    return await (await this.#files.promise).stat(uri);
  }

  async readDirectory(uri: vscode.Uri): Promise<[string, vscode.FileType][]> {
    return await (await this.#files.promise).readDirectory(uri);
  }

  async readFile(uri: vscode.Uri): Promise<Uint8Array> {
    return await (await this.#files.promise).readFile(uri);
  }

  createDirectory(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  writeFile(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  delete(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  rename(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }
}
