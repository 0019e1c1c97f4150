import type { Locator, Page } from 'playwright-core';

/** What quick picks and input boxes have in common: one widget at the top of the window. */
class QuickInput {
  protected readonly page: Page;
  protected readonly widget: Locator;

  constructor(page: Page) {
    this.page = page;
    this.widget = page.locator('.quick-input-widget');
  }

  /** Waits until the step of this title (or of one that the pattern fits) is there. */
  async waitFor(title?: string | RegExp): Promise<void> {
    const bar = this.widget.locator('.quick-input-title');
    await (title === undefined ? this.widget : bar.filter({ hasText: title })).waitFor();
  }

  async waitUntilClosed(): Promise<void> {
    await this.widget.waitFor({ state: 'hidden' });
  }

  /** The title with its step, such as "New Policy (2/4)". */
  async title(): Promise<string> {
    return await this.widget.locator('.quick-input-title').innerText();
  }

  /** Buttons in the title bar, such as Back. */
  async buttons(): Promise<readonly string[]> {
    return await this.widget
      .locator('.quick-input-titlebar .action-label')
      .evaluateAll((found) => found.map((button) => button.getAttribute('aria-label') ?? ''));
  }

  async pressButton(name: string): Promise<void> {
    await this.widget.locator('.quick-input-titlebar').getByRole('button', { name }).click();
  }

  async back(): Promise<void> {
    await this.pressButton('Back');
  }

  async type(text: string): Promise<void> {
    await this.#field().fill(text);
  }

  /** What is in the field. */
  async value(): Promise<string> {
    return await this.#field().inputValue();
  }

  async isSecret(): Promise<boolean> {
    return (await this.#field().getAttribute('type')) === 'password';
  }

  /** The prompt, or what is wrong with what was typed. Empty where nothing is said. */
  async message(): Promise<string> {
    const message = this.widget.locator('.quick-input-message');
    return (await message.isVisible()) ? await message.innerText() : '';
  }

  async accept(): Promise<void> {
    await this.#field().press('Enter');
  }

  async cancel(): Promise<void> {
    await this.page.keyboard.press('Escape');
    await this.waitUntilClosed();
  }

  #field(): Locator {
    return this.widget.locator('.quick-input-box input');
  }
}

export class QuickPick extends QuickInput {
  /** Accessible names of the choices that are drawn now: label, then description. */
  async options(): Promise<readonly string[]> {
    await this.widget.getByRole('option').first().waitFor();
    return await this.widget.getByRole('option').evaluateAll((found) => found.map((option) => option.getAttribute('aria-label') ?? ''));
  }

  option(label: string | RegExp): Locator {
    const name = typeof label === 'string' ? new RegExp(`^${RegExp.escape(label)}(,|$)`) : label;
    // Choices of a pick that takes several are boxes to tick.
    return this.widget.getByRole('option', { name }).or(this.widget.getByRole('checkbox', { name })).first();
  }

  /** Takes one choice. A string is the whole label. */
  async choose(label: string | RegExp): Promise<void> {
    await this.option(label).click();
  }

  /** Ticks choices of a pick that takes several; `accept` ends it. */
  async tick(...labels: readonly (string | RegExp)[]): Promise<void> {
    for (const label of labels) await this.option(label).click();
  }

  /** Presses a button of a choice. */
  async pressOptionButton(label: string | RegExp, button: string): Promise<void> {
    await this.option(label).hover();
    await this.option(label).getByRole('button', { name: button }).click();
  }
}

export class InputBox extends QuickInput {
  /** Waits for a box of this title that has no list: a pick of the same form can have the same title, and a field to filter by. */
  override async waitFor(title?: string | RegExp): Promise<void> {
    await super.waitFor(title);
    await this.widget.locator('.quick-input-list').waitFor({ state: 'hidden' });
    await super.waitFor(title);
  }

  /** Waits for the box that asks this, and types and accepts: the step before it had the same widget. */
  async answer(prompt: RegExp, text: string): Promise<void> {
    await this.widget.locator('.quick-input-message').filter({ hasText: prompt }).waitFor();
    await this.enter(text);
  }

  /** Types and accepts. */
  async enter(text: string): Promise<void> {
    await this.type(text);
    await this.accept();
  }
}
