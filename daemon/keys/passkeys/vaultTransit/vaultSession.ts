import type { VaultTransitTarget } from '../../agent/keyAccess.ts';
import { KeyServiceFailure } from '../../agent/keyProblem.ts';
import { badAnswer, errorsOf, healthOf } from './vaultAnswers.ts';
import { type VaultAnswer, VaultClient } from './vaultClient.ts';
import type { VaultText } from './vaultText.ts';
import type { VaultTransport } from './vaultTransport.ts';

/** A request, and the right that it needs. */
export interface VaultAsked {
  readonly right: 'read' | 'update';
  /** Without `v1/`. */
  readonly path: string;
  readonly body?: Readonly<Record<string, unknown>>;
  /** For whoever has the right that is missing here. */
  readonly command?: string;
}

export interface VaultSessionOptions {
  readonly target: VaultTransitTarget;
  readonly transport: VaultTransport;
  readonly text: VaultText;
}

/** The token that is in use, and how to get another. */
export interface VaultToken {
  readonly token: string;
  /** It came from a login of this very call. */
  readonly isFresh: boolean;
  readonly renewal: string;
}

/** Milliseconds that taking a token back may hold an answer up. */
const revocationLimit = 2000;

/** Requests to one Vault, and why they failed. */
export class VaultSession {
  readonly text: VaultText;
  readonly #options: VaultSessionOptions;
  readonly #token: VaultToken | undefined;
  readonly #client: VaultClient;

  constructor(options: VaultSessionOptions, token?: VaultToken) {
    this.text = options.text;
    this.#options = options;
    this.#token = token;
    const { target, transport } = options;
    this.#client = new VaultClient({
      address: target.address,
      namespace: target.namespace,
      token: token?.token,
      send: (request) => transport.request(request),
    });
  }

  get token(): VaultToken | undefined {
    return this.#token;
  }

  /** The answer, whatever its status. Rejects with `KeyServiceFailure` where none came. */
  async answer({ right, path, body = {} }: VaultAsked): Promise<VaultAnswer> {
    return right === 'read' ? await this.#client.read(path) : await this.#client.write(path, body);
  }

  /** The body of a success. Rejects with `KeyServiceFailure`. */
  async ask(asked: VaultAsked): Promise<unknown> {
    const answer = await this.answer(asked);
    if (answer.status !== 200) throw await this.failureOf(answer, asked);
    return answer.body;
  }

  /** Takes a token back that a login gave. It ends by itself soon after, so nothing is lost where that fails. */
  async revokeFresh(): Promise<void> {
    if (this.#token?.isFresh !== true) return;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, revocationLimit);
    const revoked = this.answer({ right: 'update', path: 'auth/token/revoke-self' }).then(
      () => undefined,
      () => undefined,
    );
    await Promise.race([revoked, late]);
    clearTimeout(timer);
  }

  /** Why a request failed, by its status and by what else Vault says of itself and of the token. */
  async failureOf(answer: VaultAnswer, asked: VaultAsked): Promise<KeyServiceFailure> {
    const { status } = answer;
    const { address } = this.#options.target;
    switch (status) {
      case 401:
      case 403:
        return await this.#denied(asked);
      case 404:
        return new KeyServiceFailure(
          'keyMissing',
          `there is nothing at ${asked.path}${this.#inNamespace()}`,
          'Look at the mount, the key and the namespace.',
        );
      case 405:
        return new KeyServiceFailure(
          'keyMissing',
          `what is mounted there does not know ${asked.path}`,
          'Name the mount of a transit secrets engine.',
        );
      case 412:
      case 472:
      case 473:
        return standby(address);
      case 429:
        return new KeyServiceFailure('throttled', 'Vault takes no more requests for now', 'Wait a little, then try again.');
      default:
        if (status >= 500) return await this.#serverFailure(answer);
        if (answer.body === undefined) return badAnswer(`${address} answers ${status} with something that is no JSON`);
        return new KeyServiceFailure('failed', `Vault refuses the request with ${status}${this.#said(answer)}`, 'Ask whoever runs Vault.');
    }
  }

  async #denied(asked: VaultAsked): Promise<KeyServiceFailure> {
    const right = `${asked.right} on ${asked.path}${this.#inNamespace()}`;
    const { command } = asked;
    const lacking = new KeyServiceFailure(
      'accessDenied',
      `the token lacks the right: ${right}`,
      command === undefined
        ? 'Look whether mount and key are the right ones, and add it to the policy of the token; "holdfast passkey vault-policy" prints the smallest one that works.'
        : 'Hand the command to whoever may do it at Vault.',
      command === undefined ? {} : { command },
    );
    if (this.#token === undefined || this.#token.isFresh) return lacking;
    const itself = await this.answer({ right: 'read', path: 'auth/token/lookup-self' });
    if (itself.status === 200) return lacking;
    return new KeyServiceFailure(
      'tokenExpired',
      `Vault refuses the token: it has expired or was revoked, or it lacks every right, also to ${right} and to look itself up`,
      this.#token.renewal,
    );
  }

  /** Health is asked for without a token, and outside any namespace: it is the server's. */
  async #serverFailure(answer: VaultAnswer): Promise<KeyServiceFailure> {
    const { target, transport } = this.#options;
    const { address } = target;
    const asking = new VaultClient({ address, namespace: null, token: undefined, send: (request) => transport.request(request) });
    const health = healthOf((await asking.read('sys/health')).body);
    if (health?.initialized === false) {
      return new KeyServiceFailure('sealed', 'Vault is not initialised yet', 'Initialise it with "vault operator init", then unseal it.');
    }
    if (health?.sealed === true) {
      return new KeyServiceFailure('sealed', 'Vault is sealed', 'Have it unsealed ("vault operator unseal").');
    }
    if (health?.standby === true) return standby(address);
    if (answer.status === 500) {
      return new KeyServiceFailure('failed', `Vault failed inside${this.#said(answer)}`, 'Ask whoever runs Vault to look at its log.');
    }
    return new KeyServiceFailure('unreachable', `${address} answers ${answer.status}`, 'Look whether Vault runs, then try again.');
  }

  #said({ body }: VaultAnswer): string {
    const said = this.text.quoted(errorsOf(body) ?? '');
    return said === '' ? '' : `: ${said}`;
  }

  #inNamespace(): string {
    const { namespace } = this.#options.target;
    return namespace === null ? '' : ` in the namespace ${namespace}`;
  }
}

function standby(address: string): KeyServiceFailure {
  return new KeyServiceFailure(
    'standby',
    `the Vault server at ${address} stands by`,
    'Wait until it is active again, or use an address that always leads to the active server.',
  );
}
