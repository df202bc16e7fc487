/** The page in a real browser, which must be on this machine: playwright drives it, and brings none. */
import { existsSync, mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { missingClient, requireClient } from './clients.js';
import { repositoryRoot } from './repository.js';

const names = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];
const elsewhere = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
];

/** SHOAL_CHROMIUM names another one. */
export function findChromium(): string | undefined {
  const inPath = (process.env.PATH ?? '').split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)));
  return [process.env.SHOAL_CHROMIUM ?? '', ...inPath, ...elsewhere].find((file) => file !== '' && existsSync(file));
}

/** False when there is a browser and what drives it, else why a test of the page is skipped. */
export function missingBrowser(): string | false {
  if (findChromium() === undefined) return 'no Chromium on this machine: install one, or name it in SHOAL_CHROMIUM';
  return missingClient('playwright-core') || missingClient('axe-core');
}

// biome-ignore lint/suspicious/noExplicitAny: playwright's types are not there where it is not installed
export function launchBrowser(): Promise<any> {
  const { chromium } = requireClient('playwright-core');
  // Its sandbox wants a user of its own, which a container's root is not.
  return chromium.launch({ executablePath: findChromium(), args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
}

/** Checks for people who see, hear or move otherwise, as a script for the page. */
export function axeSource(): string {
  return requireClient('axe-core').source;
}

/** Where pictures of the page are kept, for people to look at. */
export function screenshotPath(name: string): string {
  const folder = join(repositoryRoot, 'build', 'screenshots');
  mkdirSync(folder, { recursive: true });
  return join(folder, `${name}.png`);
}
