// Runs the test files of one layer in mocha: `mochaLayer.ts REPORT FILE…`. Failures are shown at once, the report is written at the end.
import { writeFileSync } from 'node:fs';
import { runMocha } from './mochaRun.ts';

const lingerMilliseconds = 5000;
const [reportFile = '', ...files] = process.argv.slice(2);

const report = await runMocha({ files, print: (text) => process.stdout.write(text) });
writeFileSync(reportFile, JSON.stringify(report));
process.exitCode = report.cases.some((one) => one.state === 'failed') ? 1 : 0;
setTimeout(() => {
  process.stdout.write(`Something keeps this process alive after its tests: ${process.getActiveResourcesInfo().join(', ')}\n`);
  process.exit();
}, lingerMilliseconds).unref();
