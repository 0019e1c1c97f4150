import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

export interface WireTag {
  readonly TagKey: string;
  readonly TagValue: string;
}

/** A key of the fake, to be changed by a test as its owner might. */
export interface WireKey {
  readonly id: string;
  readonly arn: string;
  state: string;
  deletionDate: Date | undefined;
  spec: string;
  usage: string | undefined;
  manager: string;
  origin: string;
  expiresAt: Date | undefined;
  rotates: boolean;
  policy: string;
  description: string;
  tags: readonly WireTag[];
  /** Principals that may use it beside its policy. */
  grants: readonly string[];
  isMultiRegion: boolean;
  /** ARNs of its copies in other regions. */
  replicas: readonly string[];
  readonly material: Buffer;
}

export interface WireRequest {
  /** `Decrypt`. */
  readonly action: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** Everything that was sent, headers and all, for what an answer may repeat. */
  readonly raw: string;
}

export interface WireReply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What is answered in place of the truth; `undefined`: the truth. */
export type Lie = (request: WireRequest, truth: WireReply) => WireReply | 'silence' | 'cut' | undefined;

const account = '111122223333';

/** AWS KMS as the SDK speaks to it (JSON 1.1 over HTTP), in this process: it refuses what AWS refuses, and lies where a test tells it to. */
export class KmsWireServer implements AsyncDisposable {
  readonly region: string;
  readonly requests: WireRequest[] = [];
  readonly keys: Map<string, WireKey> = new Map();
  /** From `alias/NAME` to a key's id. */
  readonly aliases: Map<string, string> = new Map();
  /** Actions that are refused with AccessDeniedException. */
  readonly denied: Set<string> = new Set();
  /** The only actions that are not refused so; all where undefined. */
  allowed: ReadonlySet<string> | undefined;
  /** So many requests are throttled first. */
  throttledTimes = 0;
  lie: Lie = () => undefined;
  readonly #server: Server;

  private constructor(region: string) {
    this.region = region;
    this.#server = createServer((request, response) => void this.#take(request, response));
  }

  static async start(region = 'eu-test-1'): Promise<KmsWireServer> {
    const wire = new KmsWireServer(region);
    await new Promise<void>((resolve) => wire.#server.listen(0, '127.0.0.1', resolve));
    return wire;
  }

  get endpoint(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new RangeError('the server has no port');
    return `http://127.0.0.1:${address.port}`;
  }

  createKey(more: Partial<WireKey> = {}): WireKey {
    const id = randomUUID();
    const key: WireKey = {
      id,
      arn: `arn:aws:kms:${this.region}:${account}:key/${id}`,
      state: 'Enabled',
      deletionDate: undefined,
      spec: 'SYMMETRIC_DEFAULT',
      usage: 'ENCRYPT_DECRYPT',
      manager: 'CUSTOMER',
      origin: 'AWS_KMS',
      expiresAt: undefined,
      rotates: false,
      policy: JSON.stringify({ Version: '2012-10-17', Statement: [] }),
      description: '',
      tags: [],
      grants: [],
      isMultiRegion: false,
      replicas: [],
      material: randomBytes(32),
      ...more,
    };
    this.keys.set(id, key);
    return key;
  }

  actions(): readonly string[] {
    return this.requests.map(({ action }) => action);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    const text = Buffer.concat(chunks).toString('utf8');
    const input: unknown = JSON.parse(text);
    if (typeof input !== 'object' || input === null) throw new RangeError('a request that is no object');
    const asked: WireRequest = {
      action: String(request.headers['x-amz-target']).replace('TrentService.', ''),
      input: Object.fromEntries(Object.entries(input)),
      raw: `${JSON.stringify(request.headers)} ${text}`,
    };
    this.requests.push(asked);
    const truth = this.#truth(asked);
    const reply = this.lie(asked, truth) ?? truth;
    if (reply === 'silence') return;
    if (reply === 'cut') {
      response.destroy();
      return;
    }
    response.writeHead(reply.status ?? 200, { 'content-type': 'application/x-amz-json-1.1', ...reply.headers });
    response.end(reply.body);
  }

  #truth(request: WireRequest): WireReply {
    if (this.throttledTimes > 0) {
      this.throttledTimes -= 1;
      return refusal('ThrottlingException', 'You have exceeded the rate.');
    }
    const { action } = request;
    if (this.denied.has(action) || this.allowed?.has(action) === false)
      return refusal('AccessDeniedException', `User: arn:aws:iam::${account}:user/x may not kms:${action}`);
    try {
      return { body: JSON.stringify(this.#do(request)) };
    } catch (error) {
      if (error instanceof Refusal) return refusal(error.type, error.message);
      throw error;
    }
  }

  #do({ action, input }: WireRequest): object {
    switch (action) {
      case 'DescribeKey':
        return { KeyMetadata: metadataOf(this.#key(input['KeyId'])) };
      case 'GetKeyRotationStatus':
        return { KeyRotationEnabled: this.#key(input['KeyId']).rotates };
      case 'Encrypt': {
        const key = this.#usable(input['KeyId']);
        const iv = randomBytes(12);
        const cipher = createCipheriv('aes-256-gcm', key.material, iv, { authTagLength: 16 });
        cipher.setAAD(contextBytes(input));
        const sealed = Buffer.concat([cipher.update(Buffer.from(String(input['Plaintext']), 'base64')), cipher.final()]);
        const blob = Buffer.concat([Buffer.from(key.id), iv, cipher.getAuthTag(), sealed]);
        return { CiphertextBlob: blob.toString('base64'), KeyId: key.arn, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' };
      }
      case 'Decrypt': {
        const key = this.#usable(input['KeyId']);
        const blob = Buffer.from(String(input['CiphertextBlob']), 'base64');
        if (!this.keys.has(blob.subarray(0, 36).toString())) throw new Refusal('InvalidCiphertextException', '');
        if (blob.subarray(0, 36).toString() !== key.id) throw new Refusal('IncorrectKeyException', 'another key');
        return { Plaintext: opened(key, blob, contextBytes(input)), KeyId: key.arn, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' };
      }
      case 'GetKeyPolicy':
        return { Policy: this.#key(input['KeyId']).policy, PolicyName: 'default' };
      case 'ListResourceTags':
        return { Tags: this.#key(input['KeyId']).tags, Truncated: false };
      case 'ListGrants': {
        const { arn, grants } = this.#key(input['KeyId']);
        return { Grants: grants.map((GranteePrincipal) => ({ KeyId: arn, GranteePrincipal })), Truncated: false };
      }
      case 'ListKeys':
        return this.#page(input);
      case 'CreateKey': {
        const { Policy: policy, Description: description = '', Tags: tags, KeySpec: spec = 'SYMMETRIC_DEFAULT', KeyUsage: usage } = input;
        const made = this.createKey({
          ...(typeof policy === 'string' ? { policy } : {}),
          ...(typeof usage === 'string' ? { usage } : {}),
          spec: String(spec),
          description: String(description),
          tags: Array.isArray(tags) ? tags : [],
          isMultiRegion: input['MultiRegion'] === true,
        });
        return { KeyMetadata: metadataOf(made) };
      }
      case 'CreateAlias':
        this.aliases.set(String(input['AliasName']), this.#key(input['TargetKeyId']).id);
        return {};
      case 'UpdateAlias': {
        const alias = String(input['AliasName']);
        if (!this.aliases.has(alias)) throw new Refusal('NotFoundException', `Alias ${alias} is not found.`);
        this.aliases.set(alias, this.#key(input['TargetKeyId']).id);
        return {};
      }
      case 'ScheduleKeyDeletion': {
        const key = this.#key(input['KeyId']);
        if (key.state === 'PendingDeletion') throw new Refusal('KMSInvalidStateException', `${key.arn} is pending deletion.`);
        key.state = 'PendingDeletion';
        key.deletionDate = new Date(Date.UTC(2031, 0, 1) + Number(input['PendingWindowInDays']) * 86_400_000);
        return { KeyId: key.arn, DeletionDate: key.deletionDate.getTime() / 1000, KeyState: key.state };
      }
      default:
        throw new Refusal('UnknownOperationException', action);
    }
  }

  #page(input: WireRequest['input']): object {
    const all = [...this.keys.values()];
    const from = Number(input['Marker'] ?? 0);
    const to = from + Number(input['Limit'] ?? 100);
    const truncated = to < all.length;
    return {
      Keys: all.slice(from, to).map(({ id, arn }) => ({ KeyId: id, KeyArn: arn })),
      Truncated: truncated,
      ...(truncated ? { NextMarker: String(to) } : {}),
    };
  }

  #key(name: unknown): WireKey {
    const text = String(name).replace(`arn:aws:kms:${this.region}:${account}:`, '');
    const key = this.keys.get(this.aliases.get(text) ?? text.replace('key/', ''));
    if (key === undefined) throw new Refusal('NotFoundException', `Key '${String(name)}' does not exist`);
    return key;
  }

  #usable(name: unknown): WireKey {
    const key = this.#key(name);
    if (key.state === 'Disabled') throw new Refusal('DisabledException', `${key.arn} is disabled.`);
    if (key.state !== 'Enabled') throw new Refusal('KMSInvalidStateException', `${key.arn} is pending deletion.`);
    if (key.spec !== 'SYMMETRIC_DEFAULT') throw new Refusal('InvalidKeyUsageException', '');
    return key;
  }
}

class Refusal extends Error {
  readonly type: string;

  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

export function refusal(type: string, message: string, status = 400): WireReply {
  return { status, body: JSON.stringify({ __type: type, message }) };
}

function metadataOf(key: WireKey): object {
  return {
    AWSAccountId: account,
    KeyId: key.id,
    Arn: key.arn,
    CreationDate: 1_700_000_000,
    Enabled: key.state === 'Enabled',
    Description: key.description,
    KeyState: key.state,
    KeyManager: key.manager,
    KeySpec: key.spec,
    CustomerMasterKeySpec: key.spec,
    Origin: key.origin,
    MultiRegion: key.isMultiRegion,
    ...(key.isMultiRegion
      ? { MultiRegionConfiguration: { MultiRegionKeyType: 'PRIMARY', ReplicaKeys: key.replicas.map((Arn) => ({ Arn })) } }
      : {}),
    ...(key.usage === undefined ? {} : { KeyUsage: key.usage }),
    ...(key.deletionDate === undefined ? {} : { DeletionDate: key.deletionDate.getTime() / 1000 }),
    ...(key.expiresAt === undefined ? {} : { ExpirationModel: 'KEY_MATERIAL_EXPIRES', ValidTo: key.expiresAt.getTime() / 1000 }),
  };
}

function contextBytes(input: WireRequest['input']): Buffer {
  const context = input['EncryptionContext'];
  const entries = typeof context === 'object' && context !== null ? Object.entries(context) : [];
  return Buffer.from(JSON.stringify(entries.toSorted(([one], [other]) => (one < other ? -1 : 1))));
}

function opened(key: WireKey, blob: Buffer, context: Buffer): string {
  const decipher = createDecipheriv('aes-256-gcm', key.material, blob.subarray(36, 48), { authTagLength: 16 });
  decipher.setAAD(context);
  decipher.setAuthTag(blob.subarray(48, 64));
  try {
    return Buffer.concat([decipher.update(blob.subarray(64)), decipher.final()]).toString('base64');
  } catch {
    throw new Refusal('InvalidCiphertextException', '');
  }
}
