import { normalEndpoint } from './endpointAddress.ts';
import { vaultAddressProblem } from './keyServices.ts';

/** Names to values, as a process has them. */
type Environment = Readonly<Record<string, string | undefined>>;

/** OpenBao's own variables come before those of Vault, as in its command line. */
const families = ['BAO', 'VAULT'] as const;

export interface VaultEnvironment {
  /** BAO_TOKEN, VAULT_TOKEN; `undefined` where neither holds anything. */
  readonly token: string | undefined;
  /**
   * The one address that the token is for, and the token file of `vault login` where there is none: that of the token's own program, else that of the other.
   * In the form that a passkey has; as it is where it can not be one, so that it is nobody's. `undefined` where no address is set.
   */
  readonly address: string | undefined;
}

/** The login at Vault or OpenBao that a shell, or the daemon's surroundings, hold. */
export function vaultEnvironment(environment: Environment): VaultEnvironment {
  const holder = families.find((family) => valueOf(environment, `${family}_TOKEN`) !== undefined);
  const inOrder = holder === undefined ? families : [holder, ...families.filter((family) => family !== holder)];
  const address = inOrder.map((family) => valueOf(environment, `${family}_ADDR`)).find((value) => value !== undefined);
  return {
    token: holder === undefined ? undefined : valueOf(environment, `${holder}_TOKEN`),
    address: address === undefined || vaultAddressProblem(address) !== undefined ? address : normalEndpoint(address),
  };
}

function valueOf(environment: Environment, name: string): string | undefined {
  const value = environment[name]?.trim();
  return value === '' ? undefined : value;
}
