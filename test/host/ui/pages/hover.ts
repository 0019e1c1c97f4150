import type { Locator, Page } from 'playwright-core';

const triesMost = 4;
const showLimit = 4000;

/** Text of the hover that an element shows. */
export async function hoverText(page: Page, element: Locator): Promise<string> {
  const hover = page.locator('.monaco-hover:visible');
  for (let tries = 1; ; tries += 1) {
    try {
      // One that is still there would be taken for the new one; one whose element was drawn anew goes when the mouse moves once more.
      if (tries > 1) await page.mouse.move(400, 400);
      await page.mouse.move(0, 0);
      const limit = tries < triesMost ? { timeout: showLimit } : {};
      await hover.waitFor({ state: 'hidden', ...limit });
      await element.hover();
      await hover.waitFor(limit);
      return await hover.innerText();
    } catch (error) {
      // A row that was drawn again under the mouse shows nothing until the mouse comes anew.
      if (tries === triesMost) throw error;
    }
  }
}
