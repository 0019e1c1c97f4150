import { HoldfastError } from '../../../protocol/errors.ts';
import type { StoreId } from '../../../protocol/ids.ts';
import type {
  GetOptions,
  ListedObject,
  ObjectBody,
  ObjectFacts,
  ObjectStore,
  PutResult,
  StoreCapabilities,
} from '../../locations/objectStore.ts';
import type { PlannerOrder, PlannerReport, StoreFailure } from './messages.ts';

/** The store as a worker thread sees it: reads go through the main thread, which alone talks to stores; everything else is refused. */
export class MainStore implements ObjectStore {
  readonly storeId: StoreId;
  readonly capabilities: StoreCapabilities = { lock: 'soft', versions: false, conditionalPut: false };
  readonly #tell: (report: PlannerReport) => void;
  readonly #waiting = new Map<number, PromiseWithResolvers<ObjectBody | undefined>>();
  #next = 0;

  constructor(storeId: StoreId, tell: (report: PlannerReport) => void) {
    this.storeId = storeId;
    this.#tell = tell;
  }

  get(key: string, options: GetOptions = {}): Promise<ObjectBody | undefined> {
    const id = this.#next;
    this.#next += 1;
    const waiting = Promise.withResolvers<ObjectBody | undefined>();
    this.#waiting.set(id, waiting);
    const { versionId = null, offset, length } = options;
    this.#tell({
      type: 'get',
      id,
      key,
      versionId,
      ...(offset === undefined ? {} : { offset }),
      ...(length === undefined ? {} : { length }),
    });
    return waiting.promise;
  }

  /** Takes the main thread's answers. */
  answer(order: Extract<PlannerOrder, { readonly type: 'got' | 'getFailed' }>): void {
    const waiting = this.#waiting.get(order.id);
    this.#waiting.delete(order.id);
    if (order.type === 'getFailed') {
      waiting?.reject(errorOf(order.error));
      return;
    }
    const { found } = order;
    waiting?.resolve(found === undefined ? undefined : { ...found, key: '', lastModified: new Date(found.lastModified), lock: null });
  }

  head(): Promise<ObjectFacts | undefined> {
    throw new Error('A planner only reads.');
  }

  put(): Promise<PutResult> {
    throw new Error('A planner only reads.');
  }

  list(): AsyncIterable<readonly ListedObject[]> {
    throw new Error('A planner only reads.');
  }

  delete(): Promise<void> {
    throw new Error('A planner only reads.');
  }
}

/** An error as it can cross to another thread. */
export function failureOf(error: unknown): StoreFailure {
  const { code, message, reason, fix = null } = HoldfastError.is(error) ? error : HoldfastError.unforeseen('restore', error);
  return { code, message, reason, fix, cause: error instanceof Error && !HoldfastError.is(error) ? error : null };
}

/** The error that crossed. */
export function errorOf({ code, message, reason, fix, cause }: StoreFailure): HoldfastError {
  return new HoldfastError(code, message, { reason, ...(fix === null ? {} : { fix }), ...(cause === null ? {} : { cause }) });
}
