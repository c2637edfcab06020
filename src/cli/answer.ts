import { Command } from "commander";
import { UsageError } from "../core/util/errors.ts";
import { visible } from "../core/util/show.ts";
import { addModelOptions, collect, options, parseProfile, type ModelFlags } from "./options.ts";
import { print, printJson, say } from "./terminal.ts";

interface AnswerFlags extends Partial<ModelFlags> {
  readonly profile?: readonly string[];
  readonly question: string;
  readonly option: readonly string[];
  readonly json?: boolean;
}

export function answerCommand(): Command {
  return addModelOptions(new Command("answer"))
    .description("the distribution of a person's answers to one question, and how it is routed")
    .option("--profile <name=value>", "an attribute of the person; may be given again", collect)
    .requiredOption("--question <text>", "the question")
    .requiredOption("--option <text>", "an option; give 2 to 26", collect)
    .addOption(options.json())
    .addHelpText(
      "after",
      '\nExample:\n  cuma answer --base demo --adapter runs/wvb-cuma --profile country=Japan --profile age=25-34 \\\n    --question "How important is family in your life?" --option "Very important" --option "Not important"',
    )
    .action(runAnswer);
}

async function runAnswer(flags: AnswerFlags): Promise<void> {
  const { MAX_OPTIONS } = await import("../core/text/choice.ts");
  const { base, option } = flags;
  if (base === undefined) throw new UsageError("expected --base <model>");
  if (option.length < 2 || option.length > MAX_OPTIONS) {
    throw new UsageError(`--option: expected 2 to ${MAX_OPTIONS} options; found ${option.length}`);
  }
  const { loadCuma } = await import("../app/model/loadCuma.ts");
  const { modelOptions } = await import("./modelOptions.ts");
  const profile = parseProfile(flags.profile ?? []);
  const model = await loadCuma(modelOptions({ ...flags, base }, say));
  try {
    const { distribution, routing } = await model.answer({
      profile,
      question: flags.question,
      options: flags.option,
    });
    if (flags.json) {
      const { question, option: given } = flags;
      printJson({ profile, question, options: given, distribution, routing });
      return;
    }
    for (const [i, text] of flags.option.entries()) print(`${distribution[i]!.toFixed(4)}  ${visible(text)}`);
    if (routing.length > 0) print("\nexperts' weights, mean over the prompt's tokens:");
    for (const { router, gates } of routing) {
      print(`${router.replace(/^model\.layers\./, "layer ").padEnd(28)} ${gates.map((g) => g.toFixed(3)).join(" ")}`);
    }
  } finally {
    await model.dispose();
  }
}
