import * as vscode from 'vscode';
import { Row, type Subject, type SubjectKind, type SubjectOf } from '../views/row.ts';

/** What the row that a command was called on stands for; `undefined` where it was called otherwise, and the command has to ask. */
export function subjectOf<Kind extends SubjectKind>(args: readonly unknown[], kind: Kind): SubjectOf<Kind> | undefined {
  const [row] = args;
  const subject = row instanceof Row ? row.facts.subject : undefined;
  return subject !== undefined && isOf(subject, kind) ? subject : undefined;
}

function isOf<Kind extends SubjectKind>(subject: Subject, kind: Kind): subject is SubjectOf<Kind> {
  return subject.kind === kind;
}

/** The file or folder of this machine that a command was called on: by a menu, or the one in the active editor. */
export function fileOf(args: readonly unknown[]): vscode.Uri | undefined {
  const [given] = args;
  const uri = given instanceof vscode.Uri ? given : vscode.window.activeTextEditor?.document.uri;
  return uri?.scheme === 'file' ? uri : undefined;
}
