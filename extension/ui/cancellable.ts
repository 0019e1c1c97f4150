import * as vscode from 'vscode';

/** Does work beside a notification with Cancel, which aborts the signal: the daemon is told, and what it rejects with then is `cancelled`. */
export async function cancellable<Result>(title: string, work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
  return await vscode.window.withProgress(options, async (_progress, token) => {
    const cancelled = new AbortController();
    const listener = token.onCancellationRequested(() => cancelled.abort());
    try {
      return await work(cancelled.signal);
    } finally {
      listener.dispose();
    }
  });
}
