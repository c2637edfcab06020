/** What is attacked before a release: all of it, or what is named (see CONTRIBUTING.md). Ends with 1 where anything went wrong. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { attackCallers } from "./callers.ts";
import { attackGrowth } from "./growth.ts";
import { attackByKills } from "./kill.ts";

/** By name: works in an empty folder, and returns the faults that it has found. */
const attacks: Readonly<Record<string, (folder: string) => readonly string[] | Promise<readonly string[]>>> = {
  callers: attackCallers,
  growth: attackGrowth,
  kill: attackByKills,
};

const asked = process.argv.slice(2);
for (const name of asked.length > 0 ? asked : Object.keys(attacks)) {
  const attack = attacks[name];
  if (!attack) throw new Error(`${name}: expected some of ${Object.keys(attacks).join(", ")}`);
  const folder = mkdtempSync(join(tmpdir(), `cuma-${name}-`));
  try {
    console.log(name);
    for (const fault of await attack(folder)) {
      console.log(`fault: ${fault}`);
      process.exitCode = 1;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
