import * as vscode from 'vscode';
import { HoldfastError } from '../../protocol/errors.ts';
import { isUuid } from '../../protocol/ids.ts';
import { type Action, actionFindings, actionResult } from '../../protocol/methods/actions.ts';
import type { Finding } from '../../protocol/methods/values.ts';
import type { DaemonService } from '../connection/daemonService.ts';
import { actionTitle } from './outcomeText.ts';
import { reportText } from './reportText.ts';

export const reportScheme = 'holdfast-report';

/** So many pages of findings a report holds; who wants the rest asks the command line. */
const mostPages = 10;

/** Reports of actions as documents to read: `holdfast-report:/TITLE.txt?ACTION-ID`. Made when they are opened, from what the daemon kept. */
export class Reports implements vscode.TextDocumentContentProvider {
  readonly #daemon: DaemonService;

  constructor(daemon: DaemonService) {
    this.#daemon = daemon;
  }

  register(): vscode.Disposable {
    return vscode.workspace.registerTextDocumentContentProvider(reportScheme, this);
  }

  async provideTextDocumentContent({ query }: vscode.Uri): Promise<string> {
    if (!isUuid(query)) throw new HoldfastError('unknownName', 'Failed to open a report: its address names no action.');
    const action = await this.#daemon.call(actionResult, { actionId: query });
    const [skipped, damaged] = await Promise.all([this.#findings(query, 'skipped'), this.#findings(query, 'damaged')]);
    return reportText(action, { skipped, damaged });
  }

  async #findings(actionId: string, list: 'skipped' | 'damaged'): Promise<readonly Finding[]> {
    const findings: Finding[] = [];
    let after: string | undefined;
    for (let pages = 0; pages < mostPages; pages += 1) {
      const page = await this.#daemon.call(actionFindings, { actionId, list, ...(after === undefined ? {} : { after }) });
      findings.push(...page.items);
      if (page.next === null) break;
      after = page.next;
    }
    return findings;
  }
}

export async function showReport({ actionId, kind, subject }: Action): Promise<void> {
  const name = actionTitle(kind, subject).replaceAll(/[/\\]/g, '-');
  const uri = vscode.Uri.from({ scheme: reportScheme, path: `/${name}.txt`, query: actionId });
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: true });
}
