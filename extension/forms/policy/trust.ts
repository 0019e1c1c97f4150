import * as vscode from 'vscode';
import { HoldfastError } from '../../../protocol/errors.ts';
import { type DraftField, type PolicyDraft, runsCommands } from '../policyDraft.ts';

/** Whether this window may ask for a field: commands around a run only where the workspace is trusted. */
export function isOffered(field: DraftField): boolean {
  return vscode.workspace.isTrusted || (field !== 'before' && field !== 'after');
}

/** Throws `refusedByRule` where what is to be saved runs commands and the workspace is not trusted, however they came into it. */
export function refuseUntrustedCommands(
  fields: Partial<Pick<PolicyDraft, 'before' | 'after' | 'sources'>>,
  isTrusted: boolean = vscode.workspace.isTrusted,
): void {
  if (isTrusted || !runsCommands(fields)) return;
  throw HoldfastError.failedTo('refusedByRule', 'save the policy', 'it runs commands, and this workspace is not trusted', {
    fix: 'Trust the workspace first ("Workspaces: Manage Workspace Trust"), or do it from another window.',
  });
}
