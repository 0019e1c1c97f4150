// Compiles wasm/gear.ts and writes the module that embeds it. Run it after a change of the source; a test compares the two.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import asc from 'assemblyscript/asc';

const root = path.dirname(import.meta.dirname);
const generated = path.join(root, 'daemon/engine/chunker/gear.wasm.ts');

/** The text of the generated module. */
export async function gearModule() {
  const source = readFileSync(path.join(root, 'wasm/gear.ts'), 'utf8');
  let binary;
  const { error, stderr } = await asc.main(
    [
      'gear.ts',
      '--outFile',
      'gear.wasm',
      '-O3',
      '--noAssert',
      '--converge',
      '--runtime',
      'stub',
      '--importMemory',
      '--lowMemoryLimit',
      '65536',
    ],
    {
      readFile: (name) => (name === 'gear.ts' ? source : null),
      writeFile: (name, contents) => {
        if (name === 'gear.wasm') binary = contents;
      },
      listFiles: () => [],
    },
  );
  if (error || binary === undefined) throw new Error(`Failed to compile wasm/gear.ts: ${error?.message ?? ''}\n${stderr.toString()}`);
  const lines = Buffer.from(binary)
    .toString('base64')
    .match(/.{1,120}/g)
    .map((line) => `  '${line}',`)
    .join('\n');
  return `// Generated from wasm/gear.ts by scripts/buildWasm.mjs.\n/** The compiled chunker, base64. */\nexport const gearWasm: string = [\n${lines}\n].join('');\n`;
}

if (process.argv[1] === import.meta.filename) writeFileSync(generated, await gearModule());
