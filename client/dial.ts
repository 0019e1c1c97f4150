import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { type RawData, WebSocket } from 'ws';
import { type Endpoint, webSocketHost, webSocketLimits, webSocketPath, webSocketProtocol } from '../protocol/endpoint.ts';
import { isProofTag, proofSizes, proofTag, proofTranscript, secretFrameKey } from '../protocol/proof.ts';
import { systemCode } from '../protocol/systemCode.ts';
import { frameBytes } from '../protocol/webSocketMessages.ts';
import { checkSocketPlace } from './endpointReader.ts';

const dialMilliseconds = 3000;

/**
 * What came of dialling: a proved socket; nobody there; a server that closed before it could be proved (it makes random clients give way when many crowd in);
 * or one that does not know the proof key, or takes too long.
 */
export type Dialled = 'proved' | 'nobody' | 'closed' | 'unproved';

/**
 * Connects and proves, both ways. Before the server has proved itself nothing is sent but the upgrade and a nonce.
 * `onProved` takes the socket over, and attaches its listeners in the same turn.
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
  // The scheme says that no host is meant: an editor sends every other request of its extensions by way of its proxy. The connection is made below.
  const socket = new WebSocket(`ws+unix:///holdfast:${webSocketPath}`, webSocketProtocol, {
    ...webSocketLimits,
    followRedirects: false,
    headers: { Host: webSocketHost },
    createConnection: () => connect({ path: endpoint.path }),
  });
  const { promise, resolve } = Promise.withResolvers<Dialled>();
  const give = (dialled: Dialled): void => {
    clearTimeout(deadline);
    signal?.removeEventListener('abort', onAbort);
    resolve(dialled);
    if (dialled !== 'proved') socket.terminate();
  };
  const onAbort = (): void => give('closed');
  const deadline = setTimeout(() => give('unproved'), dialMilliseconds);
  signal?.addEventListener('abort', onAbort, { once: true });

  const onMessage = (data: RawData, isBinary: boolean): void => {
    const message = frameBytes(data);
    if (!isBinary || message.length !== proofSizes.serverMessage) {
      give('unproved');
      return;
    }
    const transcript = proofTranscript({
      path: endpoint.path,
      instanceId: Buffer.from(endpoint.instanceId, 'hex'),
      clientNonce,
      serverNonce: message.subarray(0, proofSizes.nonce),
    });
    if (!isProofTag(proofKey, 'server', transcript, message.subarray(proofSizes.nonce))) {
      give('unproved');
      return;
    }
    socket.off('message', onMessage).off('close', onClose);
    socket.send(proofTag(proofKey, 'client', transcript));
    onProved(socket, secretFrameKey(proofKey, transcript));
    give('proved');
  };
  const onClose = (): void => give('closed');
  socket.on('error', (error) => give(isNobody(error) ? 'nobody' : 'closed'));
  socket.on('unexpected-response', () => give('unproved'));
  socket.on('close', onClose);
  socket.on('message', onMessage);
  socket.once('open', () => socket.send(clientNonce));
  return promise;
}

function isNobody(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'ENOENT' || code === 'ECONNREFUSED';
}
