import { createHash } from "node:crypto";
import { basename, join } from "node:path";
import { CONFIG_FILE, TENSORS_FILE } from "../../../adapters/index.ts";
import { sha256File } from "../../core/io/index.ts";

/** The files that an adapter folder is read from. */
export function adapterFiles(folder: string): string[] {
  return [CONFIG_FILE, TENSORS_FILE].map((name) => join(folder, name));
}

/** SHA-256 over the two files of an adapter folder. */
export async function hashAdapter(folder: string): Promise<string> {
  const hash = createHash("sha256");
  for (const path of adapterFiles(folder)) hash.update(`${basename(path)}\0${await sha256File(path)}\0`);
  return hash.digest("hex");
}
