import { existsSync } from 'node:fs';

/**
 * Loaded before the daemon (`--import`): its wall clock goes six minutes ahead as soon as the file is there that
 * `HOLDFAST_TEST_LATER` names. What ends by time can then be seen without waiting for it.
 */
const file = process.env['HOLDFAST_TEST_LATER'] ?? '';
const now = Date.now.bind(Date);
Date.now = () => now() + (existsSync(file) ? 360_000 : 0);
