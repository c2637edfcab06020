import { spawn } from "node:child_process";

interface ProgramOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Ends the program. Without it the program has a process group of its own, which Ctrl-C does not reach. */
  readonly signal?: AbortSignal;
}

/**
 * Runs a program until all of its output is closed. @returns Its standard output.
 * @throws Error with what it said where it fails or is ended.
 */
export function runProgram(program: string, args: readonly string[], options: ProgramOptions): Promise<Buffer> {
  const { env, ...rest } = options;
  const child = spawn(program, args, {
    ...rest,
    detached: rest.signal === undefined,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, said]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on("data", (bytes: Buffer) => out.push(bytes));
  child.stderr.on("data", (bytes: Buffer) => said.push(bytes));
  return new Promise((resolve, reject) => {
    let failure: Error | undefined;
    child.on("error", (error) => (failure = error));
    // Not at an error: what was ended may still be writing.
    child.on("close", (code) => {
      if (code === 0 && !failure) {
        resolve(Buffer.concat(out));
        return;
      }
      const text = Buffer.concat([...out, ...said])
        .toString()
        .trim();
      reject(failure ?? new Error(`${[program, ...args].join(" ")}: exit ${code ?? "by a signal"}\n${text}`));
    });
  });
}
