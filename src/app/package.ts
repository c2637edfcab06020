import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { onnxRuntimeVersion } from "../engine/index.ts";

/** Folder of this package's package.json, wherever it is installed. */
export const packageRoot: string = findRoot(dirname(fileURLToPath(import.meta.url)));

function findRoot(folder: string): string {
  if (existsSync(join(folder, "package.json"))) return folder;
  const parent = dirname(folder);
  if (parent === folder) throw new Error("the package's package.json was not found");
  return findRoot(parent);
}

export const packageVersion: string = (
  JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8")) as { version: string }
).version;

/** Versions that a result depends on. */
export function versions(): Record<string, string> {
  return { cuma: packageVersion, node: process.versions.node, onnxruntime: onnxRuntimeVersion() };
}

/** Commit of the user's repository in the working folder, with "-dirty" where it has changes; null outside of one. */
export function gitHash(): string | null {
  try {
    return execFileSync("git", ["describe", "--always", "--abbrev=40", "--dirty", "--exclude", "*"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return null;
  }
}
