import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { root } from './run.ts';

const manifest = z.looseObject({ contributes: z.looseObject({ commands: z.array(z.looseObject({ command: z.string() })) }) });

/** Ids of the commands that package.json offers to users of the editor. */
export function declaredCommands(): readonly string[] {
  const { contributes } = manifest.parse(JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')));
  return contributes.commands.map(({ command }) => command);
}
