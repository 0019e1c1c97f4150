import { diagnosticsCollect } from '../../protocol/methods/diagnostics.ts';
import type { Call } from '../call.ts';
import { quoted } from '../../client/shown/text.ts';
import { size } from '../../client/shown/units.ts';
import type { Result } from '../result.ts';
import type { Session } from '../session.ts';

export async function diagnostics(call: Call, session: Session): Promise<Result> {
  const output = session.resolvePath(call.requiredText('--output'));
  const withPaths = call.isOn('--with-paths');
  const { document } = await session.call(diagnosticsCollect, { withPaths });
  const bytes = Buffer.from(`${JSON.stringify(document, undefined, 2)}\n`);
  await session.host.writeNewFile(output, bytes);
  const left = withPaths ? 'no secrets and no command lines' : 'no secrets, no command lines and no paths';
  return {
    document: { output, bytes: bytes.length, withPaths },
    lines: [
      `Wrote ${quoted(output)} (${size(bytes.length)}): ${left}. Names of policies and locations are in it; look before you hand it on.`,
    ],
    isNotice: true,
  };
}
