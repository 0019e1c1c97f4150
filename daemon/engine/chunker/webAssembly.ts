/** The little of WebAssembly's interface that is used here; Node's own types leave it out, and those for browsers bring everything. */
interface WebAssemblyMemory {
  readonly buffer: ArrayBuffer;
}

interface WebAssemblyApi {
  readonly Memory: new (descriptor: { readonly initial: number; readonly maximum: number }) => WebAssemblyMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: Readonly<Record<string, unknown>> };
}

function isWebAssembly(value: unknown): value is WebAssemblyApi {
  return typeof value === 'object' && value !== null && 'Memory' in value && 'Module' in value && 'Instance' in value;
}

/** Throws `Error` on a runtime without it. */
export function webAssembly(): WebAssemblyApi {
  const api: unknown = Reflect.get(globalThis, 'WebAssembly');
  if (!isWebAssembly(api)) throw new Error('This runtime has no WebAssembly.');
  return api;
}
