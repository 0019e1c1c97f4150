import type { DaemonState } from '../../protocol/methods/session.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { EngineThreads } from '../engine/jobs.ts';
import type { InstallationOptions } from '../installation/installation.ts';
import type { KeyAgent } from '../keys/agent/keyAgent.ts';
import type { ScryptRunner } from '../keys/scryptRunner.ts';
import type { SchedulerClock } from '../policies/schedules/scheduler.ts';
import type { FileSystem } from '../locations/fileAccess.ts';
import type { AuditTrail } from './dispatcher.ts';
import type { HandlerContext, HandlerMap } from './handler.ts';
import type { Logger } from './logger.ts';
import type { StepUp } from './stepUp.ts';

/** What the entry hands to the services. */
export interface AssemblySurroundings {
  /** Its real path, 0700, locked for this process. */
  readonly stateDirectory: string;
  readonly startedAt: Date;
  readonly log: Logger;
  readonly stepUp: StepUp;
  readonly publish: HandlerContext['publish'];
  /** Ends the daemon in order, once the requests under way are answered. Returns at once. */
  readonly stop: () => void;
}

/** The world that the services live in. The daemon's entry leaves all of it out; tests hand in parts that fail, count or lie. */
export interface AssemblyWorld {
  /** Under the stores of all filesystem locations. */
  readonly fileSystem?: FileSystem;
  readonly scrypt?: ScryptRunner;
  /** Asks KMS and Vault; a process for each call where left out. */
  readonly keyAgent?: KeyAgent;
  readonly wallClock?: () => Date;
  /** Of what the daemon does by itself: schedules and alerts. */
  readonly timers?: SchedulerClock;
  /** Reaches buckets; tests hand in one in memory. */
  readonly connectS3?: NonNullable<InstallationOptions['connectS3']>;
  /** Of what is kept locked, and of store time. */
  readonly clocks?: NonNullable<InstallationOptions['clocks']>;
  readonly openCatalog?: (path: string) => Catalog;
  readonly threads?: Omit<EngineThreads, 'workerUrl'>;
}

/** The services behind the socket. Disposed after the last session has ended and before the instance lock is given up. */
export interface Assembly extends AsyncDisposable {
  readonly handlers: HandlerMap;
  readonly daemonState: () => DaemonState;
  readonly audit: AuditTrail;
  /** Told at a power of two of wrong proofs. */
  readonly onFailedProof: () => void;
}
