// Runs inside the page of the workbench, after the source of axe-core.
import type { AxeResults, RunOptions } from 'axe-core';

declare const axe: { run(context: { readonly include: string[][] }, options: RunOptions): Promise<AxeResults> };

export interface PageFinding {
  readonly rule: string;
  readonly impact: string;
  readonly help: string;
  readonly elements: readonly { readonly html: string; readonly why: string }[];
}

/** Every rule that is broken in the parts of the page that the selectors name. */
export async function axeRun(selectors: readonly string[]): Promise<readonly PageFinding[]> {
  const present = selectors.filter((selector) => document.querySelector(selector) !== null);
  if (present.length !== selectors.length)
    throw new Error(`not on the page: ${selectors.filter((one) => !present.includes(one)).join(', ')}`);
  const results = await axe.run(
    { include: selectors.map((selector) => [selector]) },
    {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
      // The workbench draws rows and their buttons: it sets label and description side by side, and makes buttons as small as it likes.
      rules: { 'label-content-name-mismatch': { enabled: false }, 'target-size': { enabled: false } },
      resultTypes: ['violations'],
    },
  );
  return results.violations.map(({ id, impact, help, nodes }) => ({
    rule: id,
    impact: impact ?? 'unknown',
    help,
    elements: nodes.map(({ html, failureSummary }) => ({ html: html.slice(0, 300), why: failureSummary ?? '' })),
  }));
}
