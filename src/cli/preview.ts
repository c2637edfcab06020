import { Command } from "commander";
import { loadRunData, previewExamples } from "../app/index.ts";
import { options } from "./options.ts";
import { say } from "./progress.ts";
import { addRunOptions, readRunConfig, type RunFlags } from "./train.ts";

interface PreviewFlags extends RunFlags {
  readonly json?: boolean;
}

export function previewCommand(): Command {
  const command = addRunOptions(new Command("preview"));
  return command
    .description("print exactly what will be trained, in order")
    .addOption(options.json())
    .addHelpText("after", "\nExample:\n  cuma preview run.yaml --limit 2 --json")
    .action(runPreview);
}

async function runPreview(file: string | undefined, { limit, ...flags }: PreviewFlags): Promise<void> {
  const config = readRunConfig(file, flags);
  const shown = previewExamples(config, await loadRunData(config, say), Number(limit ?? 5));
  if (flags.json) {
    console.log(JSON.stringify(shown, null, 2));
    return;
  }
  for (const { id, text, labels, profileText } of shown) {
    console.log(
      `--- ${id}\nprofile: ${profileText || "(none)"}\ntrained tokens: ${labels.filter((l) => l !== -100).length} of ${labels.length}\n${text}\n`,
    );
  }
}
