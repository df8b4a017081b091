/** What tests of the command line share: a folder of their own, files in it, and `main` with its output caught. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { showShape } from "../src/cli/npy-header.ts";
import { main } from "../src/cli/run.ts";

export async function run(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ["", ""];
  const stdout = { write: (text: string) => (out += text) };
  const stderr = { write: (text: string) => (err += text) };
  const code = await main(argv, { stdout, stderr });
  return { code, out, err };
}

export async function json(...argv: string[]): Promise<Record<string, unknown>> {
  const { code, out, err } = await run(...argv, "--json");
  assert.deepEqual({ code, err }, { code: 0, err: "" });
  assert.equal(out.indexOf("\n"), out.length - 1);
  return JSON.parse(out);
}

/** An option for each parameter: `{ gammaPos: 2 }` is `--gamma-pos 2`. */
export function argsOf(options: object): string[] {
  return Object.entries(options).flatMap(([key, value]) => [
    `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    ArrayBuffer.isView(value) ? Array.from(value as Float32Array).join() : String(value ?? "none"),
  ]);
}

const DESCR: Record<string, string> = {
  Float32Array: "<f4",
  Float64Array: "<f8",
  Uint8Array: "|u1",
  Int8Array: "|i1",
  Uint16Array: "<u2",
  Int16Array: "<i2",
  Uint32Array: "<u4",
  Int32Array: "<i4",
  BigUint64Array: "<u8",
  BigInt64Array: "<i8",
};

type Data = ArrayBufferView & { readonly length: number };

/** A folder that is gone after the tests of a file. */
export function temporary(name: string) {
  const folder = mkdtempSync(join(tmpdir(), `counterpoise-${name}-`));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const inFolder = (file: string): string => join(folder, file);

  function save(file: string, data: Data, shape: number[] = [data.length], order = "False"): string {
    const descr = DESCR[data.constructor.name];
    const text = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${showShape(shape)}, }\n`;
    const head = Buffer.from(`\0NUMPY\x01\0\0\0${text}`, "latin1");
    head[0] = 0x93;
    head.writeUInt16LE(text.length, 8);
    const body = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    writeFileSync(inFolder(file), Buffer.concat([head, body]));
    return inFolder(file);
  }

  function write(file: string, text: string): string {
    writeFileSync(inFolder(file), text);
    return inFolder(file);
  }

  return { folder, inFolder, save, write };
}

/** The header's text and the values behind it. */
export function load(path: string): { header: string; values: Float32Array } {
  const bytes = readFileSync(path);
  const start = 10 + bytes.readUInt16LE(8);
  const values = new Float32Array(new Uint8Array(bytes.subarray(start)).buffer);
  return { header: bytes.toString("latin1", 10, start), values };
}

/** Logits, targets and mask of a recorded detector in examples/data, and the options that name their files. */
export function recorded(name: string) {
  const paths = ["logits", "targets", "mask"].map((what) => `examples/data/${name}${what}.npy`);
  const [logits, targets, mask] = paths.map((path) => new Uint8Array(readFileSync(path)).slice(128));
  const args = ["--logits", paths[0], "--targets", paths[1], "--mask", paths[2]];
  return { logits: new Float32Array(logits.buffer), targets, mask, args };
}
