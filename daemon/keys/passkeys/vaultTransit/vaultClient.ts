import nodeVault from 'node-vault';
import type { VaultReply, VaultRequest } from './vaultTransport.ts';

/** What Vault answered, whatever it was. */
export interface VaultAnswer {
  /** 200 for every success. */
  readonly status: number;
  /** `undefined` where it was no JSON. */
  readonly body: unknown;
}

export interface VaultClientOptions {
  readonly address: string;
  readonly namespace: string | null;
  readonly token: string | undefined;
  readonly send: (request: VaultRequest) => Promise<VaultReply>;
}

/**
 * node-vault, and the only file that knows it. It is left the paths, the headers and what counts as a success; the request itself is ours, because its own
 * follows redirects with the token, knows no abort and no limit of an answer. What it would take from the environment (VAULT_TOKEN, VAULT_ADDR,
 * VAULT_NAMESPACE, VAULT_PREFIX, VAULT_SKIP_VERIFY) or write to a log under DEBUG is shut off.
 */
export class VaultClient {
  readonly #client: nodeVault.client;

  constructor({ address, namespace, token, send }: VaultClientOptions) {
    this.#client = nodeVault({
      endpoint: address,
      commands: {},
      debug: () => undefined,
      'request-promise': { defaults: () => send },
    });
    // Behind the making of it, since an empty option would be filled from the environment.
    Object.assign(this.#client, { token: token ?? '', namespace: namespace ?? '', pathPrefix: '' });
  }

  /** The path without `v1/`. Rejects with what `send` rejects with. */
  async read(path: string): Promise<VaultAnswer> {
    return await answerOf(this.#client.read(path));
  }

  async write(path: string, body: Readonly<Record<string, unknown>>): Promise<VaultAnswer> {
    return await answerOf(this.#client.write(path, body));
  }
}

async function answerOf(asking: Promise<unknown>): Promise<VaultAnswer> {
  try {
    return { status: 200, body: await asking };
  } catch (error) {
    const refused = refusalOf(error);
    if (refused === undefined) throw error;
    return refused;
  }
}

/** node-vault does not export the class of the error that it makes of an answer. */
function refusalOf(error: unknown): VaultAnswer | undefined {
  if (!(error instanceof Error) || !('response' in error)) return undefined;
  const { response } = error;
  if (typeof response !== 'object' || response === null || !('statusCode' in response) || typeof response.statusCode !== 'number') {
    return undefined;
  }
  return { status: response.statusCode, body: 'body' in response ? response.body : undefined };
}
