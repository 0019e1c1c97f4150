import type { SourceId } from '../../../protocol/ids.ts';
import { encodeEntry } from '../../repository/entryEncoder.ts';
import { TreeBuilder } from '../../repository/treeBuilder.ts';
import { newOutputPipe, type OutputPipeMemory } from '../threads/outputPipe.ts';
import { contentOf, sumOfLengths } from './fileContent.ts';
import type { FileDispatcher } from './fileDispatcher.ts';
import type { HeardSource, WalkerOrder } from './messages.ts';
import type { NodeStore } from './nodeStore.ts';
import type { WalkReport } from './walkReport.ts';

/** The name that an output has in its source (docs/format.md, Root of a source). */
const outputName = 'output';
/** As a file that this user alone may read. */
const outputMode = 0o600;

export type OutputEnded = Extract<WalkerOrder, { readonly type: 'outputEnded' }>;

export interface OutputTools {
  readonly dispatcher: FileDispatcher;
  readonly nodes: NodeStore;
  readonly report: WalkReport;
  /** Has the command run, with its output into the pipe. */
  readonly start: (sourceId: SourceId, pipe: OutputPipeMemory) => void;
  /** What became of the command, once that is known. */
  readonly takeEnd: () => OutputEnded | undefined;
}

/**
 * Stores what a command prints. Its root id; `undefined` where the command failed, which is reported: chunks of what it had printed by then may be
 * stored, and nothing reaches them. Throws `RunStopped`.
 */
export function walkOutput(source: HeardSource, tools: OutputTools): Uint8Array | undefined {
  const { dispatcher, nodes, report } = tools;
  const pipe = newOutputPipe();
  tools.start(source.id, pipe);
  const chunks = dispatcher.readOutput(pipe);
  let end = tools.takeEnd();
  for (; end === undefined; end = tools.takeEnd()) dispatcher.wait();
  if (chunks === undefined || end.problem !== null) {
    report.skip(Buffer.from(source.label, 'utf8').toString('latin1'), `its command failed: ${end.problem ?? 'its output was given up'}`);
    return undefined;
  }
  const size = sumOfLengths(chunks);
  report.count('files');
  report.count('newFiles');
  report.count('bytes', size);
  const { content } = contentOf(chunks, nodes);
  const uid = process.getuid?.();
  const gid = process.getgid?.();
  const tree = new TreeBuilder((node) => nodes.store('tree', node));
  tree.add(
    encodeEntry({
      name: Buffer.from(outputName),
      kind: 'stream',
      mode: outputMode,
      mtime: BigInt(Math.trunc(end.endedAt)) * 1_000_000n,
      ...(uid === undefined || gid === undefined ? {} : { owner: { uid, gid } }),
      size,
      ...(content === undefined ? {} : { content }),
    }),
  );
  return Uint8Array.from(tree.finish().id);
}
