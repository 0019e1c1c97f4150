import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { root } from '../../support/cli.ts';

const manifest = z.looseObject({
  contributes: z.looseObject({
    commands: z.array(z.looseObject({ command: z.string(), title: z.string(), category: z.string().optional() })),
  }),
});
const texts = z.record(z.string(), z.union([z.string(), z.looseObject({ message: z.string() })]));

/** Titles as the palette shows them, by the ids of package.json: "Holdfast: Lock". */
export function commandTitles(): ReadonlyMap<string, string> {
  const { contributes } = manifest.parse(JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')));
  const english = texts.parse(JSON.parse(readFileSync(path.join(root, 'package.nls.json'), 'utf8')));
  const translated = (title: string): string => {
    const text = english[/^%(.+)%$/.exec(title)?.[1] ?? ''];
    return typeof text === 'string' ? text : (text?.message ?? title);
  };
  return new Map(
    contributes.commands.map(({ command, title, category }) => [
      command,
      category === undefined ? translated(title) : `${category}: ${translated(title)}`,
    ]),
  );
}
