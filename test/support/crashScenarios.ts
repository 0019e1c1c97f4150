import { randomUUID } from 'node:crypto';
import { readdirSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { passkeyAddPassphrase, passkeyRetire, passkeyRotate, passkeyUse } from '../../protocol/methods/passkeys.ts';
import { garbageDocument, locationCollectGarbage } from '../../protocol/methods/garbage.ts';
import { locationList } from '../../protocol/methods/locations.ts';
import { restorePointRetire } from '../../protocol/methods/restorePoints.ts';
import { succeeded } from './drivenDaemon.ts';
import type { InProcessDaemon } from './inProcessDaemon.ts';

/** Of the installation that every scenario starts with: "main" opens with the first, "spare" with the second. */
export const passphrases = {
  main: 'the first passphrase',
  spare: 'the second passphrase',
  added: 'the third passphrase',
  rotated: 'the fourth passphrase',
} as const;

export type Passphrase = (typeof passphrases)[keyof typeof passphrases];

export type CrashScenarioName =
  | 'backup'
  | 'addPasskey'
  | 'rotatePasskey'
  | 'usePasskey'
  | 'retirePasskey'
  | 'retireRestorePoint'
  | 'collectGarbage';

export interface CrashScenario {
  /** What is cut short. Resolves once it is acknowledged. */
  readonly run: (daemon: InProcessDaemon) => Promise<unknown>;
  /** What must open the master key when the run has been acknowledged, beside what did before. */
  readonly opensAfter: readonly Passphrase[];
  /** What must open it no more by then. */
  readonly shutAfter: readonly Passphrase[];
  /** How many restore points are acknowledged, before the run and after it. */
  readonly restorePoints: readonly [number, number];
}

/** As if the lists of condemned objects had been put a day before. */
async function ageLists(daemon: InProcessDaemon): Promise<void> {
  const [location] = (await daemon.call(locationList, {})).items;
  const folder = location?.path ?? '';
  const then = new Date(Date.now() - 25 * 3_600_000);
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (name.includes(`${path.sep}condemned${path.sep}`)) utimesSync(path.join(folder, name), then, then);
  }
}

async function collect(daemon: InProcessDaemon): Promise<number> {
  const started = await daemon.call(locationCollectGarbage, { ...request(), location: 'store', dryRun: false });
  return garbageDocument.parse(succeeded(await daemon.ended(started)).result).freedBytes;
}

const request = (): { readonly requestId: string } => ({ requestId: randomUUID() });

export const crashScenarios: Readonly<Record<CrashScenarioName, CrashScenario>> = {
  backup: {
    run: (daemon) => daemon.backUp(),
    opensAfter: [passphrases.spare],
    shutAfter: [],
    restorePoints: [2, 3],
  },
  addPasskey: {
    run: (daemon) =>
      daemon.call(passkeyAddPassphrase, { ...request(), name: 'added', passphrase: daemon.secret(passphrases.added), useNow: true }),
    opensAfter: [passphrases.spare, passphrases.added],
    shutAfter: [],
    restorePoints: [2, 2],
  },
  rotatePasskey: {
    run: (daemon) => daemon.call(passkeyRotate, { ...request(), passkey: 'main', passphrase: daemon.secret(passphrases.rotated) }),
    opensAfter: [passphrases.spare, passphrases.rotated],
    shutAfter: [],
    restorePoints: [2, 2],
  },
  usePasskey: {
    run: (daemon) => daemon.call(passkeyUse, { passkey: 'spare' }),
    opensAfter: [passphrases.spare],
    shutAfter: [],
    restorePoints: [2, 2],
  },
  retirePasskey: {
    run: (daemon) => daemon.call(passkeyRetire, { passkey: 'spare', confirmed: true }),
    opensAfter: [],
    shutAfter: [passphrases.spare],
    restorePoints: [2, 2],
  },
  retireRestorePoint: {
    run: async (daemon) => {
      const oldest = (await daemon.restorePoints()).at(-1);
      await daemon.call(restorePointRetire, { restorePoint: oldest?.id ?? '', confirmed: true });
    },
    opensAfter: [passphrases.spare],
    shutAfter: [],
    restorePoints: [2, 1],
  },
  collectGarbage: {
    run: async (daemon) => {
      const oldest = (await daemon.restorePoints()).at(-1);
      await daemon.call(restorePointRetire, { restorePoint: oldest?.id ?? '', confirmed: true });
      await collect(daemon);
      await ageLists(daemon);
      if ((await collect(daemon)) === 0) throw new Error('nothing was freed');
    },
    opensAfter: [passphrases.spare],
    shutAfter: [],
    restorePoints: [2, 1],
  },
};
