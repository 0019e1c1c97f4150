import { appendFileSync, writeFileSync } from 'node:fs';
import { runMocha } from '../../scripts/mochaRun.ts';
import { readInsideInstructions } from './inside/instructions.ts';

/** Entry of the tests that run inside the extension host. Desktop VS Code and the workbench of code-server call it alike. */
export async function run(): Promise<void> {
  const { files, reportFile, outputFile } = readInsideInstructions();
  const report = await runMocha({ files, print: (text) => appendFileSync(outputFile, text) });
  writeFileSync(reportFile, JSON.stringify(report));
  const failed = report.cases.filter((one) => one.state === 'failed').length;
  if (failed > 0) throw new Error(`${failed} failed`);
}
