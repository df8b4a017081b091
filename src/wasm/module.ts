import { base64 } from "./bytes.ts";

function decode(text: string): Uint8Array<ArrayBuffer> {
  const native = (Uint8Array as { fromBase64?: (text: string) => Uint8Array<ArrayBuffer> }).fromBase64;
  if (native) return native.call(Uint8Array, text);
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
