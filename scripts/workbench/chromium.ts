import { existsSync } from 'node:fs';
import path from 'node:path';
import { canInstallPackages, installPackages } from '../aptInstall.ts';
import type { Preparation } from './preparation.ts';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
const elsewhere: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: ['/Applications/Chromium.app/Contents/MacOS/Chromium', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'],
  win32: ['C:/Program Files/Google/Chrome/Application/chrome.exe', 'C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe'],
};
const packages = ['chromium', 'fonts-liberation'];

/** The program that HOLDFAST_CHROMIUM names, or one on the PATH, or where this system keeps it. */
function findChromium(): string | undefined {
  const given = process.env['HOLDFAST_CHROMIUM'];
  const onPath = (process.env['PATH'] ?? '').split(path.delimiter).flatMap((folder) => names.map((name) => path.join(folder, name)));
  const candidates = given === undefined ? ['/usr/bin/chromium', ...onPath, ...(elsewhere[process.platform] ?? [])] : [given];
  return candidates.find((candidate) => existsSync(candidate));
}

/** Finds Chromium, and installs it where that needs nobody's leave: on Debian and its kin as root. */
export async function prepareChromium(options: { readonly say: (text: string) => void }): Promise<Preparation<string>> {
  const found = findChromium();
  if (found !== undefined) return { ready: found };
  const how = `Install Chromium (Debian: apt-get install --no-install-recommends ${packages.join(' ')}), or name one in HOLDFAST_CHROMIUM.`;
  if (!canInstallPackages() || process.env['HOLDFAST_CHROMIUM'] !== undefined) return { missing: how };
  options.say('Installing Chromium (once) ...');
  const problem = await installPackages(packages);
  const now = findChromium();
  return now === undefined ? { missing: `${how} It said: ${problem ?? 'nothing'}` } : { ready: now };
}
