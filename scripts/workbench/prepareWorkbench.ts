import { prepareChromium } from './chromium.ts';
import { type CodeServer, prepareCodeServer } from './codeServer.ts';
import type { Preparation } from './preparation.ts';

export interface PreparedWorkbench {
  readonly codeServer: CodeServer;
  /** The browser's program. */
  readonly chromium: string;
}

/** The workbench and a browser for it, as tests need them. */
export async function prepareWorkbench(options: { readonly say: (text: string) => void }): Promise<Preparation<PreparedWorkbench>> {
  const [codeServer, chromium] = await Promise.all([prepareCodeServer(options), prepareChromium(options)]);
  const missing = [codeServer, chromium].flatMap((part) => ('missing' in part ? [part.missing] : []));
  if ('ready' in codeServer && 'ready' in chromium) return { ready: { codeServer: codeServer.ready, chromium: chromium.ready } };
  return { missing: missing.join(' ') };
}
