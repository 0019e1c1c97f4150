import type * as z from 'zod';
import type { SettingName, SettingStore } from '../catalog/settingStore.ts';

/** One setting of the daemon, as this program reads and writes it: JSON of one schema. */
export class StoredSetting<Value> {
  readonly name: SettingName;
  readonly #settings: SettingStore;
  readonly #schema: z.ZodType<Value>;

  constructor(settings: SettingStore, name: SettingName, schema: z.ZodType<Value>) {
    this.name = name;
    this.#settings = settings;
    this.#schema = schema;
  }

  /** `undefined`: not set, or set by a newer version to what this one does not know. */
  get value(): Value | undefined {
    const text = this.#settings.get(this.name);
    return text === undefined ? undefined : this.#parsed(text);
  }

  /** Whether it is set to what this version does not know. */
  get isUnknown(): boolean {
    const text = this.#settings.get(this.name);
    return text !== undefined && this.#parsed(text) === undefined;
  }

  set(value: Value): void {
    this.#settings.set(this.name, JSON.stringify(value));
  }

  /** Whether it was set. */
  remove(): boolean {
    return this.#settings.remove(this.name);
  }

  #parsed(text: string): Value | undefined {
    try {
      return this.#schema.safeParse(JSON.parse(text)).data;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return undefined;
    }
  }
}
