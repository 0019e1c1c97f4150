import { MotoServer } from './motoServer.ts';
import { OpenBaoServer } from './openBaoServer.ts';
import { runEndings } from './runEndings.ts';
import { SeaweedServer } from './seaweedServer.ts';
import { serverProgramsFor } from './serverPrograms.ts';

/** One server of a kind for all tests of a process: two cores carry no more. A test has buckets of its own on it. */
class SharedServers {
  #seaweed: Promise<SeaweedServer> | undefined;
  #moto: Promise<MotoServer> | undefined;
  #openBao: Promise<OpenBaoServer> | undefined;

  async seaweed(context: Mocha.Context): Promise<SeaweedServer> {
    this.#seaweed ??= this.#endingWithTheRun(SeaweedServer.start(serverProgramsFor(context)));
    return await this.#seaweed;
  }

  async moto(context: Mocha.Context): Promise<MotoServer> {
    this.#moto ??= this.#endingWithTheRun(MotoServer.start(serverProgramsFor(context)));
    return await this.#moto;
  }

  async openBao(context: Mocha.Context): Promise<OpenBaoServer> {
    this.#openBao ??= this.#endingWithTheRun(OpenBaoServer.start(serverProgramsFor(context)));
    return await this.#openBao;
  }

  async #endingWithTheRun<Server extends AsyncDisposable>(starting: Promise<Server>): Promise<Server> {
    const server = await starting;
    runEndings.add(async () => await server[Symbol.asyncDispose]());
    return server;
  }
}

const shared = new SharedServers();

/**
 * The SeaweedFS of this process, started where it is not there yet: call it in `before` with `this`. Skips the suite where the programs are missing; under CI
 * that is a failure. It ends behind the last test of the process.
 */
export async function sharedSeaweed(context: Mocha.Context): Promise<SeaweedServer> {
  return await shared.seaweed(context);
}

/** As `sharedSeaweed`, for moto. */
export async function sharedMoto(context: Mocha.Context): Promise<MotoServer> {
  return await shared.moto(context);
}

/** As `sharedSeaweed`, for OpenBao in memory. A test has keys and policies of its own on it. */
export async function sharedOpenBao(context: Mocha.Context): Promise<OpenBaoServer> {
  return await shared.openBao(context);
}
