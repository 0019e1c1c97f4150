import type { Message } from 'vscode-jsonrpc/node';
import { streamCancelNotification, streamCreditNotification, streamEndedNotification } from './contentFrames.ts';
import { eventNotification } from './events.ts';

/** Which side reads: the daemon takes requests, the client takes responses. */
export type Role = 'client' | 'daemon';

export type RequestId = string | number;

export type Envelope =
  | { readonly kind: 'request'; readonly id: RequestId; readonly message: Message }
  | { readonly kind: 'response'; readonly id: RequestId; readonly message: Message }
  | { readonly kind: 'notification'; readonly message: Message }
  | { readonly kind: 'refused'; readonly id: RequestId | null; readonly reason: string };

const cancelNotification = '$/cancelRequest';

const notificationsTo: Readonly<Record<Role, readonly string[]>> = {
  daemon: [cancelNotification, streamCreditNotification, streamCancelNotification],
  client: [eventNotification, streamEndedNotification],
};

const idLengthLimit = 128;
const methodLengthLimit = 128;

/**
 * Judges one JSON value as a JSON-RPC 2.0 message, because vscode-jsonrpc passes over what is none in silence and throws on some of it.
 * Stricter than the standard: no batches, parameters by name, ids that are text or whole numbers, no members beside the standard's.
 */
export function readEnvelope(value: unknown, role: Role): Envelope {
  if (!isRecord(value)) return { kind: 'refused', id: null, reason: 'a message is a JSON object' };
  const id = isRequestId(value['id']) ? value['id'] : null;
  const refused = (reason: string): Envelope => ({ kind: 'refused', id, reason });
  if (value['jsonrpc'] !== '2.0') return refused('"jsonrpc" is not "2.0"');
  if ('id' in value && id === null) return refused('"id" is neither text nor a whole number');
  const message = { ...value, jsonrpc: '2.0' };
  const method = value['method'];
  if (method === undefined) {
    if (role === 'daemon') return refused('"method" is missing');
    if (id === null) return refused('"id" is missing');
    return hasResponseShape(value) ? { kind: 'response', id, message } : refused('a response has either a result or an error');
  }
  if (typeof method !== 'string' || method.length === 0 || method.length > methodLengthLimit) return refused('"method" is no name');
  if (!hasOnly(value, ['jsonrpc', 'id', 'method', 'params'])) return refused('there are members that do not belong there');
  const params = value['params'];
  if (params !== undefined && !isRecord(params)) return refused('"params" is not an object');
  if (id !== null) return role === 'daemon' ? { kind: 'request', id, message } : refused('a client answers no requests');
  if (!notificationsTo[role].includes(method)) return refused('there is no such notification');
  if (method === cancelNotification && !isRequestId(params?.['id'])) return refused('"params.id" names no request');
  return { kind: 'notification', message };
}

function hasResponseShape(value: Readonly<Record<string, unknown>>): boolean {
  if (!hasOnly(value, ['jsonrpc', 'id', 'result', 'error'])) return false;
  const error = value['error'];
  if (error === undefined) return 'result' in value;
  return !('result' in value) && isRecord(error) && Number.isSafeInteger(error['code']) && typeof error['message'] === 'string';
}

function hasOnly(value: Readonly<Record<string, unknown>>, names: readonly string[]): boolean {
  return Object.keys(value).every((name) => names.includes(name));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isRequestId(value: unknown): value is RequestId {
  return typeof value === 'string' ? value.length <= idLengthLimit : Number.isSafeInteger(value);
}
