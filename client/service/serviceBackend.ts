import type { ServiceProgram } from './serviceProgram.ts';

export type ServiceKind = 'systemd' | 'launchd' | 'taskScheduler';

export interface ServiceState {
  readonly isEnabled: boolean;
  readonly isRunning: boolean;
  /** Why it does not run, as a clause; `null` where it does or nothing is wrong. */
  readonly problem: string | null;
  /** Whether it runs while the user is not logged in; `null` where the system does not tell. */
  readonly lingers: boolean | null;
}

/** One operating system's services of a user. */
export interface ServiceBackend {
  readonly kind: ServiceKind;
  /** The file that describes the service. */
  fileOf(name: string): string;
  /** What stands in that file. Throws `badValue`. */
  contents(program: ServiceProgram): string | Uint8Array;
  /** The file was written: from the next login on the service is started. */
  register(name: string): Promise<void>;
  /** Starts it now. `notConfined` where the system can not confine a user's service: it has to be written anew without. */
  start(name: string): Promise<'started' | 'notConfined'>;
  /** Ends it and takes it off what is started; no error where it is not there. Called before the file is removed. */
  unregister(name: string): Promise<void>;
  /** The file is gone. */
  forget(): Promise<void>;
  state(name: string): Promise<ServiceState>;
}
