import { BlockList, isIP, isIPv4 } from 'node:net';

const longestEndpoint = 512;
/** ASCII without spaces, `\` and `%`: what an address parser would decode or strip is refused as it is typed. */
const endpointPattern = /^https?:\/\/[A-Za-z0-9[@:][!#$&'()*+,\-./0-9:;=?@A-Z[\]_a-z~]*$/i;
const pathPattern = /^(?:\/[A-Za-z0-9._~-]+)*\/?$/;

/** Names under which clouds answer with the machine's own credentials. */
const metadataNames: ReadonlySet<string> = new Set([
  'metadata',
  'metadata.google.internal',
  'metadata.goog',
  'metadata.azure.com',
  'metadata.azure.internal',
  'metadata.tencentyun.com',
  'instance-data',
  'instance-data.ec2.internal',
]);

/** What an address is called in a sentence about it. */
export interface EndpointWords {
  /** `the endpoint`. */
  readonly name: string;
  readonly example: string;
}

const usualWords: EndpointWords = { name: 'the endpoint', example: 'https://s3.example.com' };

/**
 * What is wrong with the address of a service that the daemon is to send credentials to, as the end of a sentence; `undefined` where it will do.
 * `https`, or plain `http` to a loopback address; never a link-local one, one of a cloud's metadata services, or one that means "this machine, whichever".
 */
export function endpointProblem(endpoint: string, { name, example }: EndpointWords = usualWords): string | undefined {
  if (endpoint.length > longestEndpoint) return `${name} is longer than ${longestEndpoint} characters`;
  if (!endpointPattern.test(endpoint) || !URL.canParse(endpoint)) return `${name} must be an address such as ${example}`;
  const url = new URL(endpoint);
  if (endpoint.includes('@')) return `${name} must name no user`;
  if (endpoint.includes('?')) return `${name} must have no query`;
  if (endpoint.includes('#')) return `${name} must have no fragment`;
  if (url.port === '0') return `${name} has port 0`;
  if (/(?:^|\/)\.{1,2}(?:\/|$)/.test(endpoint.slice(endpoint.indexOf('//') + 2)) || !pathPattern.test(url.pathname)) {
    return `the path of ${name} is malformed`;
  }
  const host = hostOf(url);
  if (metadataNames.has(host) || isForbidden(host)) return `${name} is a link-local or metadata address`;
  if (url.protocol === 'http:' && !isLoopback(host)) return `${name} with plain http must be a loopback address; use https`;
  return undefined;
}

/** Whether an address that `endpointProblem` has nothing against is one of this machine. */
export function isLoopbackEndpoint(endpoint: string): boolean {
  return isLoopback(hostOf(new URL(endpoint)));
}

/** The same address in one form: lower-case host, no default port, no slash at the end. Only for one that `endpointProblem` has nothing against. */
export function normalEndpoint(endpoint: string): string {
  const url = new URL(endpoint);
  return `${url.protocol}//${url.host}${url.pathname.replace(/\/$/, '')}`;
}

/** Whether a host, as `hostOf` gives it, is this machine and no other. */
function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  const loopback = new BlockList();
  loopback.addSubnet('127.0.0.0', 8, 'ipv4');
  loopback.addAddress('::1', 'ipv6');
  return isIP(host) !== 0 && loopback.check(host, isIPv4(host) ? 'ipv4' : 'ipv6');
}

function isForbidden(host: string): boolean {
  if (isIP(host) === 0) return false;
  const forbidden = new BlockList();
  for (const [network, bits] of [
    ['0.0.0.0', 8],
    ['169.254.0.0', 16],
    ['224.0.0.0', 3],
    // What Alibaba's and Azure's machines ask for their own facts.
    ['100.100.100.200', 32],
    ['168.63.129.16', 32],
  ] as const) {
    forbidden.addSubnet(network, bits, 'ipv4');
  }
  for (const [network, bits] of [
    ['::', 128],
    ['fe80::', 10],
    ['ff00::', 8],
    ['fd00:ec2::254', 128],
    // IPv4 in other clothes (RFC 6052, RFC 3056, RFC 4380): nobody's store lies there.
    ['64:ff9b::', 32],
    ['2002::', 16],
    ['2001::', 32],
  ] as const) {
    forbidden.addSubnet(network, bits, 'ipv6');
  }
  return forbidden.check(host, isIPv4(host) ? 'ipv4' : 'ipv6');
}

/** Without the brackets of IPv6 and the dot that ends an absolute name. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '').replace(/\.+$/, '');
}
