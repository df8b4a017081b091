/** `.npy` files written a chunk at a time, complete or not at all. */
import { randomUUID } from "node:crypto";
import { unlinkSync } from "node:fs";
import { access, constants, type FileHandle, open, rename, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { reason } from "./file.ts";
import { formatHeader, showShape, type Written } from "./npy-header.ts";

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * Writes a `.npy` file under a temporary name in the same folder and renames it at the end, so that the
 * name asked for never holds half an array. Whatever ends the work early removes the temporary file.
 */
export class NpyWriter {
  readonly path: string;
  readonly #temporary: string;
  readonly #handle: FileHandle;
  readonly #shape: readonly number[];
  readonly #release: () => void;
  #left: number;

  constructor(
    path: string,
    temporary: string,
    handle: FileHandle,
    shape: readonly number[],
    release: () => void,
  ) {
    this.path = path;
    this.#temporary = temporary;
    this.#handle = handle;
    this.#shape = shape;
    this.#left = shape.reduce((product, size) => product * size, 1);
    this.#release = release;
  }

  async write(values: Float32Array | Uint8Array | Uint32Array): Promise<void> {
    this.#left -= values.length;
    await this.writeBytes(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }

  async writeBytes(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      try {
        done += (await this.#handle.write(bytes, done, bytes.length - done)).bytesWritten;
      } catch (error) {
        throw new RangeError(
          `Cannot write ${this.path}: expected room for ${bytes.length} bytes, got ${reason(error)}`,
        );
      }
    }
  }

  /** Throws unless as many values have come as the shape asks for. */
  requireFull(): void {
    if (this.#left !== 0) {
      throw new RangeError(
        `Cannot write ${this.path}: expected values for shape ${showShape(this.#shape)}, got ${Math.abs(this.#left)} too ${this.#left > 0 ? "few" : "many"}`,
      );
    }
  }

  /** Gives the file its name. */
  async finish(): Promise<void> {
    this.requireFull();
    await this.#handle.close();
    try {
      await rename(this.#temporary, this.path);
    } catch (error) {
      throw new RangeError(`Cannot write ${this.path}: expected a name for a file, got ${reason(error)}`);
    }
    this.#release();
  }

  /** Gives up: nothing is left behind, and a file that stood under the name stays as it was. */
  async abort(): Promise<void> {
    await this.#handle.close().catch(() => {});
    await unlink(this.#temporary).catch(() => {});
    this.#release();
  }
}

function removeOnSignal(temporary: string): () => void {
  const undo = Object.entries(SIGNALS).map(([signal, code]) => {
    const stop = (): void => {
      try {
        unlinkSync(temporary);
      } finally {
        process.exit(code);
      }
    };
    process.on(signal, stop);
    return () => process.off(signal, stop);
  });
  return () => {
    for (const off of undo) off();
  };
}

/** Refuses a name that cannot become a file, before hours of work are spent on its content. */
export async function requireTarget(path: string): Promise<void> {
  const target = await stat(path).catch(() => undefined);
  if (target && !target.isFile()) {
    throw new RangeError(
      `Cannot write ${path}: expected a name for a file, got a directory, a pipe or a device`,
    );
  }
  try {
    await access(dirname(path), constants.W_OK);
  } catch (error) {
    throw new RangeError(`Cannot write ${path}: expected a folder to write in, got ${reason(error)}`);
  }
}

/** Begins a `.npy` file of that shape. */
export async function createNpy(
  path: string,
  shape: readonly number[],
  descr: Written = "<f4",
): Promise<NpyWriter> {
  await requireTarget(path);
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID().slice(0, 8)}.part`);
  // Before the file is there: an interrupt may come at any moment.
  const release = removeOnSignal(temporary);
  let handle: FileHandle;
  try {
    handle = await open(temporary, "wx");
  } catch (error) {
    release();
    throw new RangeError(`Cannot write ${path}: expected a folder to write in, got ${reason(error)}`);
  }
  const writer = new NpyWriter(path, temporary, handle, shape, release);
  try {
    await writer.writeBytes(formatHeader(descr, shape));
  } catch (error) {
    await writer.abort();
    throw error;
  }
  return writer;
}
