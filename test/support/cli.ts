import { spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { packageRoot } from "../../src/app/package.ts";

/** The built command line; `CUMA_CLI` names another build. */
export const cliPath = resolve(process.env["CUMA_CLI"] ?? join(packageRoot, "dist", "src", "cli", "main.js"));

export interface CliResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts the built command line. */
export function startCuma(args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  if (!existsSync(cliPath)) throw new Error(`${cliPath} is missing: run "npm run build" first`);
  return spawn(process.execPath, [cliPath, ...args], { stdio: ["ignore", "pipe", "pipe"], ...options });
}

/** Runs the built command line to its end. */
export async function cuma(args: readonly string[], options: SpawnOptions = {}): Promise<CliResult> {
  return finished(startCuma(args, options));
}

/** What a process printed and how it ended. */
export function finished(child: ChildProcess): Promise<CliResult> {
  let stdout = "";
  let stderr = "";
  child.stdout!.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      resolve({ code, signal, stdout, stderr });
    });
  });
}
