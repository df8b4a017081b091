import { base64 } from "./bytes.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What newer engines have, and Node: a loop over 100 kB is what a cold engine is slowest at. */
interface Native {
  readonly Uint8Array: { fromBase64?(text: string): Bytes };
  readonly Buffer?: { from(text: string, encoding: "base64"): Bytes };
}

function decode(text: string): Bytes {
  const native = globalThis as unknown as Native;
  if (native.Uint8Array.fromBase64) return native.Uint8Array.fromBase64(text);
  if (native.Buffer) return native.Buffer.from(text, "base64");
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/**
 * The compiled module, from bytes that came with the code: no file, no fetch, no permission. The build puts another
 * file in place of this one for runtimes that compile only what was uploaded with a worker.
 */
export const module: WebAssembly.Module = /* @__PURE__ */ new WebAssembly.Module(
  /* @__PURE__ */ decode(base64),
);
