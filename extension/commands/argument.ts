import * as vscode from 'vscode';
import { Row, type Subject, type SubjectKind, type SubjectOf } from '../views/row.ts';

/** Longer ones are no paths of any system. */
const longestPath = 32_768;

/** What the row that a command was called on stands for; `undefined` where it was called otherwise, and the command has to ask. */
export function subjectOf<Kind extends SubjectKind>(args: readonly unknown[], kind: Kind): SubjectOf<Kind> | undefined {
  const [row] = args;
  const subject = isMadeBy(row, Row) ? row.facts.subject : undefined;
  return subject !== undefined && isOf(subject, kind) ? subject : undefined;
}

function isOf<Kind extends SubjectKind>(subject: Subject, kind: Kind): subject is SubjectOf<Kind> {
  return subject.kind === kind;
}

/** The file or folder of this machine that a command was called on: by a menu, or the one in the active editor. */
export function fileOf(args: readonly unknown[]): vscode.Uri | undefined {
  return givenFile(args) ?? fileUri(vscode.window.activeTextEditor?.document.uri);
}

/** The file or folder of this machine that a command was called on, and no other. */
export function givenFile(args: readonly unknown[]): vscode.Uri | undefined {
  return fileUri(args[0]);
}

/** A `Uri` made anew from its path alone: what a caller handed over may be anything that only looks like one. */
function fileUri(given: unknown): vscode.Uri | undefined {
  try {
    if (!(given instanceof vscode.Uri)) return undefined;
    const { scheme, authority, path } = given;
    if (scheme !== 'file' || typeof path !== 'string' || path.length > longestPath || path.includes('\0')) return undefined;
    // A share of another machine: only Windows has such files.
    if (authority !== '' && process.platform !== 'win32') return undefined;
    return vscode.Uri.from({ scheme: 'file', authority, path });
  } catch {
    // A foreign object may throw at any touch; then it is no file.
    return undefined;
  }
}

/** A foreign object may answer `instanceof` with an error. */
function isMadeBy<Made>(given: unknown, maker: new (...args: never[]) => Made): given is Made {
  try {
    return given instanceof maker;
  } catch {
    return false;
  }
}
