import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { AuditedBucket } from './auditedBucket.ts';

export interface AuditScale {
  readonly versions: number;
  readonly locksRead: number;
  readonly findings: number;
  /** Of the audit, without the collecting of garbage for the figures. */
  readonly seconds: number;
  /** What the audit held at most beyond what was there before it began, garbage left out. */
  readonly heldBytes: number;
}

/** How often in an audit memory is looked at. */
const looks = 20;

/**
 * Audits so many versions in the bucket in memory. By hand: `node -e "import('./test/support/auditScale.ts').then(async ({ measureAudit }) =>
 * console.log(await measureAudit(1_000_000)))"`.
 */
export async function measureAudit(versions: number): Promise<AuditScale> {
  const collect = collector();
  using audited = new AuditedBucket({ bodies: 'drop' });
  audited.fill(versions);
  const held = (): number => {
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = held();
  let most = 0;
  let spentLooking = 0;
  let next = 0;
  const started = performance.now();
  const result = await audited.audit({
    onProgress: ({ versions: done }) => {
      if (done < next) return;
      next += versions / looks;
      const from = performance.now();
      most = Math.max(most, held() - before);
      spentLooking += performance.now() - from;
    },
  });
  const seconds = (performance.now() - started - spentLooking) / 1000;
  return { versions: result.versions, locksRead: result.locksRead, findings: result.findingsCount, seconds, heldBytes: most };
}

function collector(): () => void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new TypeError('this Node does not show its garbage collector');
  return () => void collect();
}
