import { createReadStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { HoldfastError } from '../../../protocol/errors.ts';
import { systemCode } from '../../../protocol/systemCode.ts';
import type { CatalogCopier } from '../../catalog/copy/catalogCopier.ts';
import { removeLeftCopies } from '../../catalog/copy/catalogCopier.ts';
import type { MadeCopy } from '../../catalog/copy/copyMessages.ts';
import type { CatalogFrame } from '../../repository/sealBundle.ts';

export type CopyMaker = Pick<CatalogCopier, 'make'>;

const folderName = 'recovery';
const catalogFileName = 'catalog.db';

/** Where copies of the catalog lie while they become bundles: a folder of the state directory for one run at a time. */
export class BundleScratch implements AsyncDisposable {
  readonly #folder: string;
  readonly #catalogPath: string;

  private constructor(stateDirectory: string) {
    this.#folder = path.join(stateDirectory, folderName);
    this.#catalogPath = path.join(stateDirectory, catalogFileName);
  }

  /** Clears what a run that was killed has left. */
  static async open(stateDirectory: string): Promise<BundleScratch> {
    const scratch = new BundleScratch(stateDirectory);
    try {
      await mkdir(scratch.#folder, { recursive: true, mode: 0o700 });
      await removeLeftCopies(scratch.#folder);
      await scratch.#clear();
    } catch (error) {
      throw diskFailed(error);
    }
    return scratch;
  }

  /** The last full copy that a bundle was made of is the base of deltas. */
  async make(copier: CopyMaker, isDelta: boolean, signal: AbortSignal): Promise<MadeCopy> {
    return await copier.make(
      {
        catalogPath: this.#catalogPath,
        basePath: isDelta && (await this.#hasBase()) ? this.#base : null,
        copyPath: this.#copy,
        framePath: this.#frame,
      },
      signal,
    );
  }

  frameOf({ frame: { length, sha256, catalogLength } }: MadeCopy): CatalogFrame {
    return {
      length,
      sha256,
      catalogLength,
      read: (signal) => createReadStream(this.#frame, { highWaterMark: 1024 * 1024, ...(signal === undefined ? {} : { signal }) }),
    };
  }

  /** The full copy that was made last stands in the store. */
  async keepAsBase(): Promise<void> {
    try {
      await rename(this.#copy, this.#base);
    } catch (error) {
      throw diskFailed(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#clear();
  }

  get #base(): string {
    return path.join(this.#folder, 'base.copy');
  }

  get #copy(): string {
    return path.join(this.#folder, 'full.copy');
  }

  get #frame(): string {
    return path.join(this.#folder, 'frame.zst');
  }

  async #clear(): Promise<void> {
    for (const file of [this.#copy, this.#frame]) await rm(file, { force: true });
  }

  async #hasBase(): Promise<boolean> {
    try {
      return (await stat(this.#base)).isFile();
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return false;
      throw diskFailed(error);
    }
  }
}

/** Once none are made any more. */
export async function removeBundleScratch(stateDirectory: string): Promise<void> {
  try {
    await rm(path.join(stateDirectory, folderName), { recursive: true, force: true });
  } catch (error) {
    throw diskFailed(error);
  }
}

function diskFailed(cause: unknown): HoldfastError {
  if (HoldfastError.is(cause)) return cause;
  const code = systemCode(cause) ?? 'an error that was not foreseen';
  return HoldfastError.failedTo('diskFailed', 'make a bundle', `the state directory gave ${code}`, {
    fix: 'Look at the disk of the state directory.',
    cause,
  });
}
