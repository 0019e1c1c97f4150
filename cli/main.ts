#!/usr/bin/env node
// The command line's entry. The daemon's entry lies beside it, in the sources and in the bundle alike.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { processHost } from './processHost.ts';
import { run } from './run.ts';

const daemonEntry = fileURLToPath(new URL(`../daemon/main${path.extname(new URL(import.meta.url).pathname)}`, import.meta.url));

process.exitCode = await run(process.argv.slice(2), processHost(daemonEntry));
// Standard input that was read from may still hold the process, and everything written has been taken by now.
process.exit();
