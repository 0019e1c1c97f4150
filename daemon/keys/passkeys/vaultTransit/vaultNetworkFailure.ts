import { type KeyProblemKind, KeyServiceFailure } from '../../agent/keyProblem.ts';

interface Row {
  readonly kind: KeyProblemKind;
  /** `%`: the host. */
  readonly reason: string;
  readonly fix: string;
}

const network = (reason: string, fix = 'Look at the network and at the address of Vault, then try again.'): Row => ({
  kind: 'unreachable',
  reason,
  fix,
});
const certificate = (reason: string, fix: string): Row => ({ kind: 'certificate', reason, fix });
const unknownAuthority = certificate(
  'the certificate of % is signed by an authority that is not trusted here',
  'Name the file with the certificate of its authority as the CA file.',
);
const noTls = certificate(
  '% does not speak TLS 1.2 or newer',
  'Look at the port, and whether the address begins with the right one of http and https.',
);

/** Codes of Node, OpenSSL and BoringSSL. */
const byCode: Readonly<Record<string, Row>> = {
  ENOTFOUND: network('the name of % is not known'),
  EAI_AGAIN: network('the name of % could not be looked up'),
  ECONNREFUSED: network('nothing listens at %'),
  ECONNRESET: network('the connection to % was cut'),
  EPIPE: network('the connection to % was cut'),
  ETIMEDOUT: network('% does not take the connection in time'),
  EHOSTUNREACH: network('there is no way to %'),
  ENETUNREACH: network('there is no network to %'),
  ERR_PROXY_TUNNEL: network(
    'the proxy does not lead to %',
    'Look at HTTPS_PROXY and NO_PROXY of the environment that the daemon was started in.',
  ),
  ERR_PROXY_INVALID_CONFIG: network('HTTPS_PROXY is no address of a proxy', 'Put HTTPS_PROXY right and start the daemon anew.'),
  DEPTH_ZERO_SELF_SIGNED_CERT: certificate(
    'the certificate of % is signed by itself',
    'Name the file with that certificate, or with the one of its authority, as the CA file.',
  ),
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  CERT_HAS_EXPIRED: certificate(
    'the certificate of % has expired',
    'Ask whoever runs Vault for a new one, and look at this machine’s clock.',
  ),
  CERT_NOT_YET_VALID: certificate('the certificate of % is not valid yet', 'Look at this machine’s clock.'),
  CERT_REVOKED: certificate('the certificate of % is revoked', 'Ask whoever runs Vault for a new one.'),
  ERR_TLS_CERT_ALTNAME_INVALID: certificate(
    'the certificate at % is for another name',
    'Use the name that stands in the certificate as the address.',
  ),
  EPROTO: noTls,
};

const notHttp: Row = {
  kind: 'badAnswer',
  reason: '% does not answer as a web server does',
  fix: 'Look whether the address is that of a Vault or OpenBao server.',
};

/** Why no answer came. Nothing of an error's own text is told: its code alone. What is a `KeyServiceFailure` already stays as it is. */
export function networkFailure(error: unknown, host: string): KeyServiceFailure {
  if (error instanceof KeyServiceFailure) return error;
  const code =
    error instanceof Error && 'code' in error && typeof error.code === 'string' && /^\w{1,64}$/.test(error.code) ? error.code : '';
  const { kind, reason, fix } = rowOf(code);
  const told = reason.replace('%', host);
  return new KeyServiceFailure(kind, code === '' ? told : `${told} (${code})`, fix, { cause: error });
}

function rowOf(code: string): Row {
  const row = Object.hasOwn(byCode, code) ? byCode[code] : undefined;
  if (row !== undefined) return row;
  if (code.startsWith('HPE_')) return notHttp;
  if (code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_')) return noTls;
  return network('there is no connection to %');
}
