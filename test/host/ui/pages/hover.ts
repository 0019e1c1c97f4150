import type { Locator, Page } from 'playwright-core';

/** Text of the hover that an element shows. */
export async function hoverText(page: Page, element: Locator): Promise<string> {
  const hover = page.locator('.monaco-hover:visible');
  // One that is still there would be taken for the new one.
  await page.mouse.move(0, 0);
  await hover.waitFor({ state: 'hidden' });
  await element.hover();
  await hover.waitFor();
  return await hover.innerText();
}
