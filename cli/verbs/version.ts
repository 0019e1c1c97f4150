import { programVersion, protocolVersion } from '../../protocol/version.ts';
import type { Call } from '../call.ts';
import type { Result } from '../result.ts';
import type { Session } from '../session.ts';

export function version(_call: Call, { host }: Session): Promise<Result> {
  const { version: runtime, platform, architecture } = host.runtime;
  const protocol = `${protocolVersion.major}.${protocolVersion.minor}`;
  return Promise.resolve({
    document: { version: programVersion, protocol, runtime, platform, architecture },
    lines: [`holdfast ${programVersion} (protocol ${protocol}, runtime ${runtime}, ${platform}-${architecture})`],
  });
}
