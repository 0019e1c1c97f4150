import * as vscode from 'vscode';

/** Where the daemon stands, as `when` clauses see it. */
export type StateKey = 'unknown' | 'notRunning' | 'notSetUp' | 'locked' | 'unlocked';

/** Every context key of the extension. None is set before the first answer of the daemon; `loaded` opens the welcome texts, so that none flashes before. */
interface Keys {
  'holdfast.loaded': boolean;
  'holdfast.state': StateKey;
  /** A daemon, or something else, is in the daemon's place that this window can not use. Only with the state `notRunning`. */
  'holdfast.isRefused': boolean;
  'holdfast.hasLocations': boolean;
  'holdfast.hasImmutableLocation': boolean;
  /** Two passkeys at least that open the backups. */
  'holdfast.hasSecondPasskey': boolean;
  'holdfast.hasPolicies': boolean;
  'holdfast.hasRestorePoints': boolean;
  'holdfast.hasAlerts': boolean;
  /** Something was restored from this window. */
  'holdfast.hasRestored': boolean;
  /** The editor in front shows a file of a restore point beside the file of this machine. */
  'holdfast.comparesFile': boolean;
}

/** The one place that sets context keys. */
export class ContextKeys {
  readonly #values: Map<keyof Keys, unknown> = new Map();

  set<Key extends keyof Keys>(key: Key, value: Keys[Key]): void {
    if (this.#values.get(key) === value) return;
    this.#values.set(key, value);
    void vscode.commands.executeCommand('setContext', key, value);
  }
}
