/**
 * Whether two commits give the same bytes (see CONTRIBUTING.md): the same commands are run with each, and all files and all
 * that was printed are compared. Ends with 1 where anything but what `mayDiffer` names differs.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildCommit, removeWorktree, workingTree, type Build } from "./builds.ts";
import { commandsWith, modelsFolder, type Command } from "./commands.ts";
import { compareFolders } from "./compare.ts";
import { mayDiffer } from "./mayDiffer.ts";
import { runProgram } from "./program.ts";

const { values, positionals } = parseArgs({ allowPositionals: true, options: { models: { type: "string" } } });
const [first, second, ...rest] = positionals;
if (first === undefined || rest.length > 0) throw new Error("expected COMMIT [COMMIT2] [--models FOLDER]");

const folder = mkdtempSync(join(tmpdir(), "cuma-same-"));
const ending = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => ending.abort());
const trees = [join(folder, "tree-1"), join(folder, "tree-2")] as const;
try {
  const builds = [
    await buildCommit(first, trees[0], ending.signal),
    second === undefined ? workingTree() : await buildCommit(second, trees[1], ending.signal),
  ];
  const models = values.models ?? modelsFolder();
  const commands = commandsWith(models);
  if (!commands.some(({ printed }) => printed.startsWith("smollm2")))
    console.log(`no real models in ${models}: left out`);
  const [a, b] = [join(folder, "1"), join(folder, "2")];
  await both(runAll(builds[0]!, commands, a), runAll(builds[1]!, commands, b));
  for (const { name, reason } of mayDiffer) console.log(`may differ: ${name}: ${reason}`);
  process.exitCode = compareFolders(a, b) > 0 ? 1 : 0;
} catch (error) {
  console.error(ending.signal.aborted ? "interrupted" : error);
  process.exitCode = 1;
} finally {
  for (const tree of trees) await removeWorktree(tree);
  rmSync(folder, { recursive: true, force: true });
}

/** Runs commands one after another, side by side with the other build's: no command computes with more than one thread. */
async function runAll({ name, cli }: Build, commands: readonly Command[], out: string): Promise<void> {
  mkdirSync(join(out, "printed"), { recursive: true });
  // Not in the folder that is compared: a cache may keep its files as it likes.
  const env = { CUMA_CACHE: `${out}-cache`, HF_HUB_OFFLINE: "1" };
  for (const [i, { printed, args }] of commands.entries()) {
    console.log(`${name}: ${i + 1}/${commands.length} ${args.slice(0, 2).join(" ")} for ${printed}`);
    const text = await runProgram(process.execPath, [cli, ...args], { cwd: out, env, signal: ending.signal });
    writeFileSync(join(out, "printed", printed), text);
  }
}

/** Waits for both, also where one fails, which ends the other. */
async function both(...runs: Promise<void>[]): Promise<void> {
  const failures: unknown[] = [];
  const watched = runs.map((run) =>
    run.catch((error: unknown) => {
      failures.push(error);
      ending.abort();
    }),
  );
  await Promise.all(watched);
  if (failures.length > 0) throw failures[0];
}
