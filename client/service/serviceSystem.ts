import { execFile } from 'node:child_process';
import { homedir, userInfo } from 'node:os';
import { HoldfastError } from '../../protocol/errors.ts';
import { systemCode } from '../../protocol/systemCode.ts';

export interface Ran {
  /** `null` where it could not be started or a signal ended it. */
  readonly status: number | null;
  /** Standard output. */
  readonly text: string;
  /** The last line of standard error. */
  readonly complaint: string;
}

/** What services touch of the machine; tests hand in their own. */
export interface ServiceSystem {
  readonly platform: NodeJS.Platform;
  readonly homeDirectory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `undefined` on Windows. */
  readonly userId: number | undefined;
  readonly userName: string;
  /** Every outcome is an answer. */
  run(command: string, args: readonly string[]): Promise<Ran>;
}

const runMilliseconds = 60_000;

export function processServiceSystem(): ServiceSystem {
  return {
    platform: process.platform,
    homeDirectory: homedir(),
    environment: process.env,
    userId: process.getuid?.(),
    userName: userInfo().username,
    run: (command, args) =>
      new Promise((resolve) => {
        // Not in the folder that the caller is in: Windows looks there first, and a workspace may hold a program of that name.
        const options = { cwd: homedir(), timeout: runMilliseconds, windowsHide: true };
        execFile(command, [...args], options, (error, stdout, stderr) => {
          const complaint = stderr.trim().split('\n').at(-1) ?? '';
          const code = error === null ? 0 : error.code;
          resolve({
            status: typeof code === 'number' ? code : null,
            text: stdout,
            complaint: complaint === '' ? reasonOf(error) : complaint,
          });
        });
      }),
  };
}

function reasonOf(error: Error | null): string {
  return error === null ? '' : (systemCode(error) ?? 'it ended without a word');
}

/** Runs a command that has to end well; gives its standard output. Rejects with `failed`. */
export async function runOrFail(system: ServiceSystem, command: string, args: readonly string[], fix: string): Promise<string> {
  const { status, text, complaint } = await system.run(command, args);
  if (status === 0) return text;
  const reason = /[.?!]$/.test(complaint) ? complaint.slice(0, -1) : complaint;
  throw HoldfastError.failedTo('failed', `run ${command} ${args.join(' ')}`, reason === '' ? `it ended with ${status}` : reason, { fix });
}
