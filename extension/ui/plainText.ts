import { escaped } from '../../client/shown/text.ts';

/** Text that others wrote, for places that make icons of `$(…)` and links of `[…](…)`: notifications, the status bar, quick picks. It stays text. */
export function plainText(text: string): string {
  return escaped(text).replaceAll('$(', '$ (').replaceAll('](', '] (');
}
