import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { engineNames, engines } from "../core/engine/table.ts";
import { packageVersion as versionOf } from "../core/engine/packageVersion.ts";

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

/** Versions that a result depends on: of packages that compute, by the name of the engine. */
export function versions(): Record<string, string> {
  const found: Record<string, string> = { cuma: packageVersion, node: process.versions.node };
  for (const name of engineNames) {
    const { package: from } = engines[name];
    if (from !== null) found[name] = versionOf(from);
  }
  return found;
}

/** Where the build says which commit it was made from. */
export const COMMIT_FILE = join(packageRoot, "dist", "src", "commit.json");

/**
 * The commit that this package was built from; null where it was built outside of a clone. Whether files were changed
 * before the build is not known.
 */
export function gitHash(): string | null {
  if (!existsSync(COMMIT_FILE)) return null;
  return (JSON.parse(readFileSync(COMMIT_FILE, "utf8")) as { commit: string | null }).commit;
}
