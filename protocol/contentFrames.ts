import * as z from 'zod';
import { streamRef, type StreamRef } from './method.ts';
import { wireError, type WireError } from './wireErrors.ts';

/** First byte of a content frame: u8 0x02 ‖ u32 streamId, big-endian ‖ bytes. */
const contentFrameKind = 0x02;

/** Bytes of content in one frame at most. */
export const contentBytesLimit: number = 256 * 1024;

/** Frames that a reader lets be under way; each one it has taken in is granted again. */
export const contentWindow = 8;

const headerBytes = 5;

export function contentFrame(streamId: number, bytes: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(headerBytes + bytes.length);
  frame[0] = contentFrameKind;
  frame.writeUInt32BE(streamId, 1);
  frame.set(bytes, headerBytes);
  return frame;
}

/** `undefined` for what is no content frame. The bytes are a view of the frame. */
export function readContentFrame(frame: Buffer): { readonly streamId: number; readonly bytes: Buffer } | undefined {
  if (frame.length < headerBytes || frame.length > headerBytes + contentBytesLimit || frame[0] !== contentFrameKind) return undefined;
  return { streamId: frame.readUInt32BE(1), bytes: frame.subarray(headerBytes) };
}

/** Client to server: so many more frames may come. */
export const streamCreditNotification = 'stream.credit';

export interface StreamCredit extends StreamRef {
  readonly frames: number;
}

const streamId = z.int().min(0).max(0xffff_ffff);

export const streamCredit: z.ZodType<StreamCredit> = z.strictObject({ streamId, frames: z.int().min(1).max(1024) });

/** Client to server: the rest is not wanted. */
export const streamCancelNotification = 'stream.cancel';
export const streamCancel: z.ZodType<StreamRef> = streamRef;

/** Server to client: nothing more comes; with an error where the content is not complete. */
export const streamEndedNotification = 'stream.ended';

export interface StreamEnded extends StreamRef {
  readonly error?: WireError;
}

export const streamEnded: z.ZodType<StreamEnded> = z.strictObject({ streamId, error: wireError.exactOptional() });
