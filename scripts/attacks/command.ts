import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { packageRoot } from "../../src/app/package.ts";

/** The built command line. */
export const cli = join(packageRoot, "dist", "src", "cli", "main.js");

interface CommandOptions {
  readonly cwd?: string;
  /** Flags of Node.js. */
  readonly node?: readonly string[];
}

/** Runs a command to its end. @throws Error with what it said where that is a failure. */
export function cuma(args: readonly string[], { cwd, node = [] }: CommandOptions = {}): void {
  const { status, signal, stderr } = spawnSync(process.execPath, [...node, cli, ...args], { encoding: "utf8", cwd });
  if (status !== 0) throw new Error(`cuma ${args.join(" ")}: ${signal ?? `exit ${status}`}\n${stderr}`);
}
