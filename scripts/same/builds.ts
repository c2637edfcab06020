import { existsSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../src/app/package.ts";
import { runProgram } from "./program.ts";

/** A tree of this package, built. */
export interface Build {
  readonly name: string;
  /** Its command line. */
  readonly cli: string;
}

/** The working tree as it is built. */
export function workingTree(): Build {
  return { name: "working tree", cli: cliOf(packageRoot) };
}

/** Checks a commit out in a worktree in a folder and builds it. The caller removes the worktree, whatever happens. */
export async function buildCommit(commit: string, tree: string, signal: AbortSignal): Promise<Build> {
  console.log(`${commit}: building`);
  await runProgram("git", ["worktree", "add", "--detach", tree, commit], { cwd: packageRoot, signal });
  if (hasOwnLock(tree)) await runProgram("npm", ["ci", "--no-audit", "--no-fund"], { cwd: tree, signal });
  else symlinkSync(join(packageRoot, "node_modules"), join(tree, "node_modules"));
  await runProgram("npm", ["run", "build"], { cwd: tree, signal });
  return { name: commit, cli: cliOf(tree) };
}

/** Removes a worktree, where it was made. */
export async function removeWorktree(tree: string): Promise<void> {
  if (existsSync(tree))
    await runProgram("git", ["worktree", "remove", "--force", "--force", tree], { cwd: packageRoot });
}

/** Whether other packages belong to a tree than are installed here. */
function hasOwnLock(tree: string): boolean {
  const [here, there] = [packageRoot, tree].map((root) => readFileSync(join(root, "package-lock.json")));
  return !here!.equals(there!);
}

/** Where the command line of a tree is, as its package.json says. */
function cliOf(root: string): string {
  const { bin } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { bin: { cuma: string } };
  return join(root, bin.cuma);
}
