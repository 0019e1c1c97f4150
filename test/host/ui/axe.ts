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
  const found = findings.parse(await page.evaluate(`(() => { ${source}\nreturn axeRun(${JSON.stringify(selectors)}); })()`));
  return found
    .map((finding) => ({ ...finding, elements: finding.elements.filter((element) => !isDrawnByWorkbench(finding.rule, element)) }))
    .filter(({ elements }) => elements.length > 0);
}

/**
 * Faults of the workbench's own widgets, which no extension can mend: choices with a level, a field that names a choice of the last list, and the header of
 * a section, which is a button with buttons in it as long as it has the focus.
 */
const drawnByWorkbench: readonly { readonly rule: string; readonly html: RegExp; readonly why: RegExp }[] = [
  { rule: 'aria-allowed-attr', html: /role="option"/, why: /not allowed: aria-level="1"\s*$/ },
  { rule: 'aria-valid-attr-value', html: /^<input class="input/, why: /value: aria-activedescendant="list_id_\d+_\d+"\s*$/ },
  {
    rule: 'nested-interactive',
    html: /^<div class="pane-header focused/,
    why: /negative tabindex on an element inside an interactive control/,
  },
];

function isDrawnByWorkbench(rule: string, element: AxeFinding['elements'][number]): boolean {
  return drawnByWorkbench.some((own) => own.rule === rule && own.html.test(element.html) && own.why.test(element.why));
}
