import { diagnosticsCollect } from '../../../protocol/methods/diagnostics.ts';
import { collectDiagnostics, type DiagnosticsSources } from '../diagnostics/collectDiagnostics.ts';
import { type BoundHandler, handlerOf } from '../handler.ts';

export function diagnosticsHandlers(sources: DiagnosticsSources): readonly (readonly [string, BoundHandler])[] {
  return [handlerOf(diagnosticsCollect, async ({ withPaths }) => ({ document: await collectDiagnostics(sources, withPaths) }))];
}
