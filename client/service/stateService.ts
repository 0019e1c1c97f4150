import { homedir } from 'node:os';
import path from 'node:path';
import { daemonEnvironment } from '../../protocol/daemonLaunch.ts';
import { copyDaemon } from '../daemonCopy.ts';
import { defaultStateDirectory } from '../defaultStateDirectory.ts';
import { Service, type ServiceStatus } from './service.ts';
import { serviceName, type ServiceProgram, writableFolders } from './serviceProgram.ts';
import { processServiceSystem, type ServiceSystem } from './serviceSystem.ts';

export interface ServiceFolders {
  /** Of the filesystem locations. */
  readonly locations: readonly string[];
  /** What else the daemon may write to. */
  readonly writable: readonly string[];
}

/** The service of one state directory, as the command line and the editor use it. */
export interface StateService {
  /** Makes the daemon's own copy, and says what the system is to start. */
  prepare(folders: ServiceFolders): Promise<ServiceProgram>;
  install(program: ServiceProgram): Promise<void>;
  start(program: ServiceProgram): Promise<void>;
  uninstall(): Promise<boolean>;
  status(): Promise<ServiceStatus>;
}

export interface StateServiceOptions {
  readonly stateDirectory: string;
  /** The folder of the daemon's bundle, to be copied. */
  readonly daemonFolder: string;
  readonly system?: ServiceSystem;
}

/** Throws `unsupportedRuntime`. */
export function stateService({ stateDirectory, daemonFolder, system = processServiceSystem() }: StateServiceOptions): StateService {
  const name = serviceName(stateDirectory, defaultStateDirectory());
  const service = new Service(system, name, stateDirectory);
  return {
    prepare: async ({ locations, writable }) => {
      const { entryPath } = await copyDaemon({ from: daemonFolder, stateDirectory });
      const homeDirectory = homedir();
      return {
        name,
        runtimePath: process.execPath,
        isElectron: process.versions['electron'] !== undefined,
        entryPath,
        stateDirectory: path.resolve(stateDirectory),
        homeDirectory,
        searchPath: daemonEnvironment(system.environment)['PATH'] ?? '',
        writable: writableFolders({ homeDirectory, stateDirectory: path.resolve(stateDirectory), locations, more: writable }),
      };
    },
    install: (program) => service.install(program),
    start: (program) => service.start(program),
    uninstall: () => service.uninstall(),
    status: () => service.status(),
  };
}
