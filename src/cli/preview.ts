import { Command } from "commander";
import { excerpt, visible } from "../core/util/show.ts";
import { options } from "./options.ts";
import { addRunOptions, type RunFlags } from "./runOptions.ts";
import { print, printJson, say } from "./terminal.ts";

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
  const { previewExamples } = await import("../app/preview.ts");
  const { loadRunData } = await import("../app/training/runData.ts");
  const { readRunConfig } = await import("./runConfig.ts");
  const config = readRunConfig(file, flags);
  const shown = previewExamples(config, await loadRunData(config, say), Number(limit ?? 5));
  if (flags.json) {
    printJson(shown);
    return;
  }
  for (const { id, text, labels, profileText } of shown) {
    print(
      `--- ${excerpt(id)}\nprofile: ${visible(profileText) || "(none)"}\ntrained tokens: ${labels.filter((l) => l !== -100).length} of ${labels.length}\n${text}\n`,
    );
  }
}
