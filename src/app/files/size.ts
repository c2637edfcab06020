import { checkReadable } from "../../core/io/index.ts";
import { CumaError, formatBytes } from "../../core/util/index.ts";

/** @throws CumaError naming a file that cannot be read or has more bytes than it may. */
export function checkSize(path: string, maxBytes: number): void {
  const size = checkReadable(path);
  if (size > maxBytes) {
    throw new CumaError(`${path}: it has ${formatBytes(size)}; expected at most ${formatBytes(maxBytes)}`);
  }
}
