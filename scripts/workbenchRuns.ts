import type { PreparedWorkbench } from './workbench/prepareWorkbench.ts';

/** What both kinds of tests in the workbench run with. */
export interface WorkbenchRunOptions {
  readonly workbench: PreparedWorkbench;
  /** A folder that is removed afterwards. */
  readonly scratch: string;
  /** Where traces, logs of failed files and pictures are kept. */
  readonly kept: string;
  readonly builtInExtensions: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
}
