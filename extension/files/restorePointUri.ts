import * as vscode from 'vscode';
import { isUuid } from '../../protocol/ids.ts';
import { fileScheme } from './lateFiles.ts';

/** A place in a restore point. */
export interface RestorePointPlace {
  readonly restorePointId: string;
  /** Without a slash in front; `''` is the top. */
  readonly path: string;
}

/** `holdfast://ID/path`: the id in the authority, the path and its extension as they are, so that the editor knows the language and the icon. */
export function uriOf({ restorePointId, path }: RestorePointPlace): vscode.Uri {
  return vscode.Uri.from({ scheme: fileScheme, authority: restorePointId, path: `/${path}` });
}

/** Throws `FileNotFound` for what no row of ours leads to. */
export function placeOf(uri: vscode.Uri): RestorePointPlace {
  const restorePointId = uri.authority.toLowerCase();
  if (uri.scheme !== fileScheme || !isUuid(restorePointId)) throw vscode.FileSystemError.FileNotFound(uri);
  return { restorePointId, path: uri.path.replace(/^\/+/, '').replace(/\/+$/, '') };
}
