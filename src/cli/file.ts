/** Files as the readers see them: regular, of known size, read in pieces; the system's errors in plain words. */
import { type FileHandle, open, stat } from "node:fs/promises";

const WORDS: Record<string, string> = {
  ENOENT: "nothing of that name",
  ENOTDIR: "a path through something that is not a folder",
  EISDIR: "a directory",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "a read-only file system",
  ENOSPC: "no space left on the device",
  ENAMETOOLONG: "a name that is too long",
  ELOOP: "a circle of links",
  EMFILE: "too many open files",
};

/** What the system said, in words, for the end of an error line. */
export function reason(error: unknown): string {
  const code = (error as { code?: unknown })?.code;
  if (typeof code === "string") return WORDS[code] ?? code;
  return error instanceof Error ? error.message : String(error);
}

export interface OpenFile {
  path: string;
  size: number;
  handle: FileHandle;
}

/** Opens a regular file: the readers seek in it, read it twice and trust its size, so pipes are refused. */
export async function openFile(path: string): Promise<OpenFile> {
  try {
    // First, because a pipe that nobody writes to never opens.
    const status = await stat(path);
    if (status.isFile()) return { path, size: status.size, handle: await open(path, "r") };
  } catch (error) {
    throw new RangeError(`Cannot read ${path}: expected a file, got ${reason(error)}`);
  }
  throw new RangeError(`Cannot read ${path}: expected a regular file, got a directory, a pipe or a device`);
}

/** Fills `bytes` from `position` on and returns how many there were: fewer only where the file ends. */
export async function readAt(file: OpenFile, bytes: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < bytes.length) {
    let got: number;
    try {
      got = (await file.handle.read(bytes, done, bytes.length - done, position + done)).bytesRead;
    } catch (error) {
      throw new RangeError(
        `Cannot read ${file.path}: expected ${bytes.length} bytes at ${position}, got ${reason(error)}`,
      );
    }
    if (got === 0) break;
    done += got;
  }
  return done;
}
