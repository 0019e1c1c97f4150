import * as z from 'zod';
import type { Method } from '../method.ts';

export interface DiagnosticsParams {
  /** Folders of sources and locations, patterns, and the paths in errors and log lines too. */
  readonly withPaths: boolean;
}

export interface DiagnosticsResult {
  /** What somebody who helps needs to know, as JSON. Its members may change with every version. */
  readonly document: Readonly<Record<string, unknown>>;
}

/** Versions, settings, counts, the newest log lines, alerts and outcomes. Never a secret, never a command line; what is sealed is left out while locked. */
export const diagnosticsCollect: Method<DiagnosticsParams, DiagnosticsResult> = {
  name: 'diagnostics.collect',
  params: z.strictObject({ withPaths: z.boolean() }),
  result: z.strictObject({ document: z.record(z.string(), z.unknown()) }),
  right: 'always',
};
