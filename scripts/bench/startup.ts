/**
 * One measurement of starts: seconds of an empty process of Node, of `cuma --help`, and of `cuma score` on a table of 100
 * rows. Prints one JSON line.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const cli = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "cuma-bench-"));
const table = join(folder, "predictions.jsonl");
const rows = Array.from({ length: 100 }, (_, i) => ({
  example_id: `e${i}`,
  question_id: `q${i % 10}`,
  country: `c${i % 3}`,
  options: ["yes", "no"],
  ordered: true,
  answer: i % 2,
  probabilities: [0.25, 0.75],
}));

try {
  writeFileSync(table, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const emptySeconds = seconds(["-e", "0"]);
  const helpSeconds = seconds([cli, "--help"]);
  const scoreSeconds = seconds([cli, "score", table, "--resamples", "0", "--permutations", "0"]);
  const [helpPerEmpty, scorePerEmpty] = [helpSeconds / emptySeconds, scoreSeconds / emptySeconds];
  console.log(JSON.stringify({ emptySeconds, helpSeconds, scoreSeconds, helpPerEmpty, scorePerEmpty }));
} finally {
  rmSync(folder, { recursive: true });
}

/** From the start of a process of Node to its end. */
function seconds(args: readonly string[]): number {
  const begin = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return (performance.now() - begin) / 1000;
}
