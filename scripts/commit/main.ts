/** Writes into the build which commit it was made from, so that results can tell. No other program is asked. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { COMMIT_FILE, packageRoot } from "../../src/app/package.ts";

writeFileSync(COMMIT_FILE, `${JSON.stringify({ commit: headCommit(packageRoot) })}\n`);

/** The commit that is checked out in a clone; null outside of one, and for repositories that keep references elsewhere. */
function headCommit(clone: string): string | null {
  const gitFolder = gitFolderOf(clone);
  const head = gitFolder && read(join(gitFolder, "HEAD"));
  if (!head) return null;
  const reference = /^ref: (refs\/.*)$/.exec(head)?.[1];
  return commitIn(reference === undefined ? head : referenced(gitFolder, reference));
}

/** `.git` itself, or where it points to in a worktree. */
function gitFolderOf(clone: string): string | null {
  const path = join(clone, ".git");
  if (existsSync(join(path, "HEAD"))) return path;
  const pointer = /^gitdir: (.*)$/.exec(read(path) ?? "")?.[1];
  return pointer === undefined ? null : resolve(clone, pointer);
}

/** What a branch stands for: in a file of its own, or in the list of packed ones; a worktree shares its clone's. */
function referenced(gitFolder: string, reference: string): string | null {
  const common = resolve(gitFolder, read(join(gitFolder, "commondir")) ?? ".");
  const loose = read(join(gitFolder, reference)) ?? read(join(common, reference));
  const packed = read(join(common, "packed-refs"))?.split("\n") ?? [];
  return loose ?? packed.find((line) => line.endsWith(` ${reference}`)) ?? null;
}

function commitIn(text: string | null): string | null {
  return /^[0-9a-f]{40}([0-9a-f]{24})?(?= |$)/.exec(text ?? "")?.[0] ?? null;
}

function read(path: string): string | null {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return null;
  }
}
