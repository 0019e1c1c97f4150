import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { type RawData, WebSocket } from 'ws';
import { type Endpoint, webSocketHost, webSocketLimits, webSocketPath, webSocketProtocol } from '../protocol/endpoint.ts';
import { isProofTag, proofSizes, proofTag, proofTranscript, secretFrameKey } from '../protocol/proof.ts';
import { frameBytes } from '../protocol/webSocketMessages.ts';
import { checkSocketPlace } from './endpointReader.ts';

const dialMilliseconds = 3000;

/**
 * What came of dialling: a proved socket; nobody there; a server that closed before it could be proved (it makes random clients give way when many crowd in);
 * or one that does not know the proof key, or takes too long.
 */
export type Dialled =
  | { readonly kind: 'proved'; readonly socket: WebSocket; readonly secretKey: KeyObject }
  | { readonly kind: 'nobody' }
  | { readonly kind: 'closed' }
  | { readonly kind: 'unproved' };

/**
 * Connects and proves, both ways. Before the server has proved itself nothing is sent but the upgrade and a nonce.
 * The socket is handed over paused in effect: the caller attaches its listeners in the same turn.
 */
export async function dial(
  endpoint: Endpoint,
  onProved: (socket: WebSocket, secretKey: KeyObject) => void,
  signal?: AbortSignal,
): Promise<Dialled> {
  checkSocketPlace(endpoint.path);
  const keyBytes = Buffer.from(endpoint.proofKey, 'hex');
  const proofKey = createSecretKey(keyBytes);
  keyBytes.fill(0);
  const clientNonce = randomBytes(proofSizes.nonce);
  const socket = new WebSocket(`ws://${webSocketHost}${webSocketPath}`, webSocketProtocol, {
    ...webSocketLimits,
    followRedirects: false,
    createConnection: () => connect({ path: endpoint.path }),
  });
  const { promise, resolve } = Promise.withResolvers<Dialled>();
  const give = (dialled: Dialled): void => {
    clearTimeout(deadline);
    signal?.removeEventListener('abort', onAbort);
    resolve(dialled);
    if (dialled.kind !== 'proved') socket.terminate();
  };
  const onAbort = (): void => give({ kind: 'closed' });
  const deadline = setTimeout(() => give({ kind: 'unproved' }), dialMilliseconds);
  signal?.addEventListener('abort', onAbort, { once: true });

  const onMessage = (data: RawData, isBinary: boolean): void => {
    const message = frameBytes(data);
    if (!isBinary || message.length !== proofSizes.serverMessage) {
      give({ kind: 'unproved' });
      return;
    }
    const transcript = proofTranscript({
      path: endpoint.path,
      instanceId: Buffer.from(endpoint.instanceId, 'hex'),
      clientNonce,
      serverNonce: message.subarray(0, proofSizes.nonce),
    });
    if (!isProofTag(proofKey, 'server', transcript, message.subarray(proofSizes.nonce))) {
      give({ kind: 'unproved' });
      return;
    }
    socket.off('message', onMessage).off('close', onClose);
    socket.send(proofTag(proofKey, 'client', transcript));
    const secretKey = secretFrameKey(proofKey, transcript);
    onProved(socket, secretKey);
    give({ kind: 'proved', socket, secretKey });
  };
  const onClose = (): void => give({ kind: 'closed' });
  socket.on('error', (error) => give({ kind: isNobody(error) ? 'nobody' : 'closed' }));
  socket.on('unexpected-response', () => give({ kind: 'unproved' }));
  socket.on('close', onClose);
  socket.on('message', onMessage);
  socket.once('open', () => socket.send(clientNonce));
  return promise;
}

function isNobody(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ECONNREFUSED');
}
