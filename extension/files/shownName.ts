import path from 'node:path';
import { plainText } from '../ui/plainText.ts';

/** The name of a file of this machine as it may stand in any sentence: whoever made the file chose it. */
export function shownName(file: string): string {
  return plainText(path.basename(file));
}
