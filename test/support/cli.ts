import { spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { packageRoot } from "../../src/app/package.ts";
import { run } from "../../src/cli/program.ts";

const chosenCli = process.env["CUMA_CLI"];

/** The built command line; `CUMA_CLI` names another build. */
export const cliPath = resolve(chosenCli ?? join(packageRoot, "dist", "src", "cli", "main.js"));

export interface CliResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/**
 * Runs the command line to its end, one run after another, inside this process: a process of its own takes a second to
 * start. Where `CUMA_CLI` names a build, it is run as a process.
 */
export const cuma: (args: readonly string[], options?: CliOptions) => Promise<CliResult> =
  chosenCli === undefined ? cumaHere : cumaProcess;

let queue: Promise<unknown> = Promise.resolve();

export function cumaHere(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const result = queue.then(() => runHere(args, options));
  queue = result.catch(() => undefined);
  return result;
}

async function runHere(
  args: readonly string[],
  { env = process.env, cwd = process.cwd() }: CliOptions,
): Promise<CliResult> {
  const before = { env: { ...process.env }, cwd: process.cwd() };
  const [stdout, stderr] = [capture(process.stdout), capture(process.stderr)];
  try {
    setEnvironment(env);
    process.chdir(cwd);
    const code = await run(args);
    return { code, signal: null, stdout: stdout.text(), stderr: stderr.text() };
  } finally {
    stdout.end();
    stderr.end();
    setEnvironment(before.env);
    process.chdir(before.cwd);
  }
}

function setEnvironment(env: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(process.env)) if (env[name] === undefined) Reflect.deleteProperty(process.env, name);
  for (const [name, value] of Object.entries(env)) if (value !== undefined) process.env[name] = value;
}

/** Keeps what is written to a stream of this process from reaching it. */
function capture(stream: NodeJS.WriteStream): { text(): string; end(): void } {
  let text = "";
  stream.write = (chunk: string | Uint8Array) => {
    text += String(chunk);
    return true;
  };
  return {
    text: () => text,
    // The stream's own method is its prototype's.
    end: () => Reflect.deleteProperty(stream, "write"),
  };
}

/** Starts the built command line. */
export function startCuma(args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  if (!existsSync(cliPath)) throw new Error(`${cliPath} is missing: run "npm run build" first`);
  return spawn(process.execPath, [cliPath, ...args], { stdio: ["ignore", "pipe", "pipe"], ...options });
}

/** Runs the built command line to its end in a process of its own, for what only a process has: streams, limits, users. */
export function cumaProcess(args: readonly string[], options: SpawnOptions = {}): Promise<CliResult> {
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
