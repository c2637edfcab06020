/**
 * Kills commands at their n-th rename, fsync, link, unlink, mkdir and rmdir, by strace's fault injection, runs them again
 * and compares what is left with what an undisturbed run leaves: the same bytes, and nothing else.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { cli, cuma } from "./command.ts";

const CALLS = ["rename", "fsync", "link", "unlink", "mkdir", "rmdir"];

interface Attacked {
  readonly title: string;
  readonly args: readonly string[];
  /** How it is run again after it was killed. */
  readonly again: readonly string[];
  /** An earlier result in the place of the new one, which must be there until the new one is. */
  readonly old?: string;
}

interface Killed {
  readonly title: string;
  readonly kills: number;
  /** What was other than after an undisturbed run, by where the command was killed. */
  readonly faults: readonly string[];
}

/** Attacks as the comment above says; skipped where strace cannot be used. */
export function attackByKills(folder: string): string[] {
  if (!canInject()) {
    console.log("skipped: strace is not there, or may not be used");
    return [];
  }
  return killAtSystemCalls(folder, Number(process.env["CUMA_KILL_EVERY"] ?? 1)).flatMap(({ title, kills, faults }) => {
    console.log(`${title}: killed ${kills} times`);
    const found = kills === 0 ? ["was never killed", ...faults] : faults;
    return found.map((fault) => `${title}: ${fault}`);
  });
}

/** Whether strace is there, and may be used. */
function canInject(): boolean {
  return spawnSync("strace", ["-e", "trace=rename", process.execPath, "--version"]).status === 0;
}

/**
 * @param folder An empty folder to work in.
 * @param every Kills at every so manieth of the calls: 1 for all.
 */
function killAtSystemCalls(folder: string, every = 1): Killed[] {
  const planted = ["data", "planted", "--participants", "40", "--questions", "4", "--seed", "1"];
  // Paths are recorded in results: every trial has a folder of its own, in which they are equal.
  const data = join("..", "data");
  cuma([...planted, "--out", "data"], { cwd: folder });
  const train = (out: string, seed: string): string[] => [
    ...["train", "--base", "demo", "--data", data, "--out", out, "--seed", seed],
    ...[
      "train.maxSteps=6",
      "train.batchSize=4",
      "train.saveEvery=2",
      "adapter.numExperts=2",
      "adapter.routerHidden=8",
    ].flatMap((assignment) => ["--set", assignment]),
  ];
  mkdirSync(join(folder, "made"));
  const evaluation = [
    "eval",
    "--base",
    "demo",
    "--data",
    data,
    "--limit",
    "150",
    "--resamples",
    "20",
    "--permutations",
    "20",
  ];
  cuma(train("run", "0"), { cwd: join(folder, "made") });
  cuma([...evaluation, "--out", "evaluation"], { cwd: join(folder, "made") });
  cuma([...planted, "--participants", "30", "--out", "planted"], { cwd: join(folder, "made") });
  const predictions = join("..", "made", "evaluation", "predictions.parquet");
  const score = ["score", predictions, "--resamples", "20", "--permutations", "20", "--out", "out"];
  const report = ["report", join("..", "made", "evaluation"), "--format", "md", "--out", "out"];
  const attacked: Attacked[] = [
    { title: "train", args: train("out", "1"), again: ["--resume"] },
    { title: "train --overwrite", args: [...train("out", "1"), "--overwrite"], again: [], old: "run" },
    { title: "eval", args: [...evaluation, "--seed", "2", "--out", "out"], again: ["--resume"] },
    {
      title: "eval --overwrite",
      args: [...evaluation, "--seed", "2", "--out", "out", "--overwrite"],
      again: [],
      old: "evaluation",
    },
    { title: "score", args: score, again: [] },
    { title: "report", args: report, again: [] },
    { title: "data planted", args: [...planted, "--out", "out"], again: ["--overwrite"] },
    { title: "data planted --overwrite", args: [...planted, "--out", "out", "--overwrite"], again: [], old: "planted" },
  ];
  return attacked.map((command) => attack(folder, command, every));
}

function attack(folder: string, { title, args, again, old }: Attacked, every: number): Killed {
  const place = (name: string): string => {
    const made = join(folder, name);
    mkdirSync(made);
    if (old !== undefined) cpSync(join(folder, "made", old), join(made, "out"), { recursive: true });
    return made;
  };
  const tag = title.replaceAll(" ", "-");
  const undisturbed = place(tag);
  const before = contents(undisturbed);
  cuma(args, { cwd: undisturbed });
  const expected = contents(undisturbed);
  const faults: string[] = [];
  let kills = 0;
  for (const call of CALLS) {
    for (let n = 1; ; n += every) {
      const where = `${call} ${n}`;
      const trial = place(`${tag}-${call}-${n}`);
      const inject = ["-f", "-o", "/dev/null", "-e", `trace=${call}`, "-e", `inject=${call}:signal=KILL:when=${n}`];
      const { status } = spawnSync("strace", [...inject, process.execPath, cli, ...args], { cwd: trial });
      if (status === 0) break;
      kills++;
      const left = contents(trial);
      const isMoving = [...left.keys()].some((path) => /\.cuma-(replacing|moving|removed)/.test(path));
      const isOld = [...before].every(([path, content]) => left.get(path) === content);
      const isNew = [...expected].every(([path, content]) => left.get(path) === content);
      if (!isOld && !isNew && !isMoving) faults.push(`${where}: the old result is gone, and no new one is there`);
      const { status: code, stderr } = spawnSync(process.execPath, [cli, ...args, ...again], {
        cwd: trial,
        encoding: "utf8",
      });
      // A command that was killed after its result was there refuses to write it again.
      if (code !== 0 && !isNew)
        faults.push(`${where}: run again, it ended with ${code}: ${stderr.trim().split("\n").at(-1)!}`);
      faults.push(...difference(expected, contents(trial)).map((what) => `${where}: ${what}`));
    }
  }
  return { title, kills, faults };
}

/** Files of a folder by their path. Of logs, without the rate, which is another each time. */
function contents(folder: string): Map<string, string> {
  if (!existsSync(folder)) return new Map();
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [relative(folder, path), readFileSync(path, "latin1").replace(/"tokensPerSecond":[^,}]*/g, "")];
    }),
  );
}

function difference(expected: ReadonlyMap<string, string>, found: ReadonlyMap<string, string>): string[] {
  const paths = new Set([...expected.keys(), ...found.keys()]);
  return [...paths].flatMap((path) => {
    if (!found.has(path)) return [`${path} is missing`];
    if (!expected.has(path)) return [`${path} is left`];
    return expected.get(path) === found.get(path) ? [] : [`${path} has other bytes`];
  });
}
