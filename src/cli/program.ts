import { Command, CommanderError } from "commander";
import { packageVersion } from "../app/package.ts";
import { CumaError, Interrupted, messageOf, UsageError } from "../core/util/errors.ts";
import { answerCommand } from "./answer.ts";
import { dataCommand } from "./data.ts";
import { demoCommand } from "./demo.ts";
import { evalCommand } from "./eval.ts";
import { previewCommand } from "./preview.ts";
import { reportCommand } from "./report.ts";
import { routeCommand } from "./route.ts";
import { scoreCommand } from "./score.ts";
import { say, sayUnexpected } from "./terminal.ts";
import { trainCommand } from "./train.ts";

const commands = [
  trainCommand,
  previewCommand,
  evalCommand,
  scoreCommand,
  reportCommand,
  routeCommand,
  answerCommand,
  dataCommand,
  demoCommand,
];

/**
 * Runs the command line on its arguments and gives the exit code: 0 success, 1 failure, 2 bad usage, 130 interrupted. May
 * be called again and again in one process; what only a process has, such as its streams, is the caller's.
 */
export async function run(args: readonly string[]): Promise<number> {
  try {
    await program().parseAsync(args, { from: "user" });
    return 0;
  } catch (error) {
    return report(error);
  }
}

function program(): Command {
  const cuma = new Command("cuma")
    .description(
      "Train demographic-aware mixtures of LoRA experts on a frozen language model, and measure mean collapse",
    )
    .version(packageVersion)
    .addHelpText("after", "\nExample:\n  cuma demo");
  for (const make of commands) cuma.addCommand(make());
  prepare(cuma);
  return cuma;
}

/** Lets commander throw instead of ending the process, and speak as we do. */
function prepare(command: Command): void {
  command.exitOverride().configureOutput({
    writeErr: (text) => {
      say(text.trimEnd());
    },
  });
  for (const child of command.commands) prepare(child);
}

/** Prints what went wrong and gives the exit code. */
export function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof CumaError) {
    say(`${error instanceof Interrupted ? "" : "error: "}${error.message}`);
    return error instanceof UsageError ? 2 : error instanceof Interrupted ? 130 : 1;
  }
  // The system's own errors need no stack: they tell what failed, and on which file.
  if (error instanceof Error && "syscall" in error) say(`error: ${messageOf(error)}`);
  else sayUnexpected(error);
  return 1;
}
