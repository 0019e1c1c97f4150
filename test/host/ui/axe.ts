import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { stripTypeScriptTypes } from 'node:module';
import type { Page } from 'playwright-core';
import * as z from 'zod';

/** A rule of axe that is broken, and where. */
export interface AxeFinding {
  readonly rule: string;
  readonly impact: string;
  readonly help: string;
  readonly elements: readonly { readonly html: string; readonly why: string }[];
}

const findings: z.ZodType<readonly AxeFinding[]> = z.array(
  z.strictObject({
    rule: z.string(),
    impact: z.string(),
    help: z.string(),
    elements: z.array(z.strictObject({ html: z.string(), why: z.string() })),
  }),
);
const axeFile = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const pageFile = path.join(path.dirname(import.meta.dirname), 'page', 'axeRun.ts');

/** Runs axe on parts of the page. The workbench's policy for scripts forbids script tags, so its source is evaluated. */
export async function axeFindings(page: Page, selectors: readonly string[]): Promise<readonly AxeFinding[]> {
  if ((await page.evaluate('typeof axe')) === 'undefined') await page.evaluate(readFileSync(axeFile, 'utf8'));
  const source = stripTypeScriptTypes(readFileSync(pageFile, 'utf8')).replaceAll(/^(import .*|export )/gm, '');
  return findings.parse(await page.evaluate(`(() => { ${source}\nreturn axeRun(${JSON.stringify(selectors)}); })()`));
}
