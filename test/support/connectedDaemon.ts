import type { DaemonConnection } from '../../client/connection.ts';
import type { Method, SecretRef } from '../../protocol/method.ts';
import { DrivenDaemon } from './drivenDaemon.ts';

/** A daemon in a process of its own, driven over its socket. The connection stays the caller's. */
export class ConnectedDaemon extends DrivenDaemon {
  readonly connection: DaemonConnection;

  constructor(connection: DaemonConnection) {
    super();
    this.connection = connection;
  }

  override secret(text: string): SecretRef {
    return this.connection.sendSecret(Buffer.from(text));
  }

  override call<Params, Result>(method: Method<Params, Result>, params: Params): Promise<Result> {
    return this.connection.call(method, params);
  }

  protected override onActionChanged(tell: (actionId: string) => void): Promise<Disposable> {
    return this.connection.subscribe(['action.changed'], ({ name, subject }) => {
      if (name === 'action.changed') tell(subject);
    });
  }
}
