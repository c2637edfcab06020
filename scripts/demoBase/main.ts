/**
 * Makes the small base of `cuma demo`: `npm run demo-base`, a few minutes; the same bytes every time on the same machine.
 *
 * It is trained from nothing by this package's own training (method "full") on planted data of other seeds than the
 * demo's: half of the examples by their answers, half as plain text. Since the truth is drawn anew for every seed, all
 * that it can learn is the form of the task and what people answer on average: it does not know how people differ.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { adapters } from "../../adapters/index.ts";
import { datasets, writePlanted, type ChoiceExample, type Source } from "../../datasets/index.ts";
import { loadBase } from "../../src/app/model/baseModel.ts";
import { Prompts } from "../../src/app/model/prompts.ts";
import { packageRoot } from "../../src/app/package.ts";
import { ChoiceSft } from "../../src/app/training/sftSource.ts";
import { onnxRuntimeEngine } from "../../src/core/engine/onnxruntime/node.ts";
import { encodeSafetensors } from "../../src/core/checkpoint/index.ts";
import { writeFileAtomic } from "../../src/core/io/index.ts";
import { baseShapes, linearSites, parseConfig } from "../../src/core/decoder/index.ts";
import { choiceMessages, choicePrompt, optionLabel, defaultTemplateSettings } from "../../src/core/text/index.ts";
import {
  AdamW,
  adamWDefaults,
  makePlan,
  ParameterStore,
  runTraining,
  ScheduledFeed,
  sft,
  type SftExample,
} from "../../src/core/train/index.ts";
import { Rng } from "../../src/core/util/index.ts";
import { trainByteLevelBpe } from "./bpe.ts";

const SEEDS = Array.from({ length: 24 }, (_, i) => 1000 + i);
const TEXT_WEIGHT = 0.05;
const SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
const TEMPLATE =
  "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
const CONFIG = {
  architectures: ["LlamaForCausalLM"],
  model_type: "llama",
  vocab_size: 1024,
  hidden_size: 128,
  intermediate_size: 384,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 32,
  hidden_act: "silu",
  rms_norm_eps: 1e-5,
  rope_theta: 10_000,
  max_position_embeddings: 512,
  tie_word_embeddings: true,
  attention_bias: false,
  mlp_bias: false,
  dtype: "float32",
};

const { values } = parseArgs({
  options: {
    out: { type: "string", default: join(packageRoot, "assets", "demo-base") },
    steps: { type: "string", default: "1000" },
    threads: { type: "string", default: "1" },
  },
});
const out = values.out;
mkdirSync(out, { recursive: true });
const work = mkdtempSync(join(tmpdir(), "cuma-demo-base-"));
try {
  await main();
} finally {
  rmSync(work, { recursive: true });
}

async function main(): Promise<void> {
  const sources: Source<ChoiceExample>[] = [];
  for (const seed of SEEDS) {
    const dir = join(work, String(seed));
    writePlanted({ out: dir, seed, participants: 200, questions: 32 });
    sources.push(await datasets.wvb.load(dir, "train", {}));
  }
  const source = concatenate(sources);

  const write = (name: string, content: unknown): void => {
    writeFileAtomic(join(out, name), new TextEncoder().encode(`${JSON.stringify(content, null, 1)}\n`));
  };
  const config = parseConfig(CONFIG, "config.json");
  const engine = onnxRuntimeEngine({ threads: Number(values.threads) });
  const target = { sites: linearSites(config), baseShapes: baseShapes(config), profileWidth: 0 };
  const adapter = adapters.full.fit({ method: "full" }, target);
  const parameters = new ParameterStore(adapter.parameters, engine.precision);
  for (const [name, { data }] of Object.entries(parameters.views)) drawTensor(name, data as Float32Array);
  const writeWeights = (): void => {
    const tensors = adapter.toTensors(parameters.views) as Parameters<typeof encodeSafetensors>[0];
    writeFileAtomic(join(out, "model.safetensors"), encodeSafetensors(tensors, { format: "pt" }));
  };
  write("config.json", CONFIG);
  write("tokenizer.json", trainByteLevelBpe(corpus(source), CONFIG.vocab_size, SPECIAL));
  write("tokenizer_config.json", {
    tokenizer_class: "PreTrainedTokenizerFast",
    bos_token: SPECIAL[1],
    eos_token: SPECIAL[2],
    pad_token: SPECIAL[2],
    unk_token: SPECIAL[0],
    clean_up_tokenization_spaces: false,
    model_max_length: CONFIG.max_position_embeddings,
    chat_template: TEMPLATE,
  });
  writeWeights();

  const base = await loadBase(out);
  const weights = new Map(base.weights);
  const examples = new ChoiceSft(
    source,
    new Prompts(base, { persona: true, template: defaultTemplateSettings }, choicePrompt),
    {
      attributes: source.attributes.filter((name) => name === "country" || name === "religion"),
      labels: "hard",
    },
  );
  const settings = {
    batchSize: 32,
    accumulate: 1,
    epochs: 100,
    maxSteps: Number(values.steps),
    lr: 2e-3,
    schedule: "cosine" as const,
    warmup: 50,
    clipNorm: 1,
    lossScales: {},
    seed: 0,
    saveEvery: 1_000_000,
  };
  const mixed = {
    length: examples.length,
    at: (i: number) => (isText(i) ? asText(examples.at(i)) : examples.at(i)),
  };
  const feed = new ScheduledFeed(mixed, sft, settings);
  const plan = await makePlan("whole", {
    engine,
    config,
    weights,
    adapter,
    objective: sft,
    parameters,
    projection: undefined,
  });
  const optimizer = new AdamW(parameters, adamWDefaults);
  let recent = 0;
  await runTraining(
    {
      plan,
      adapter,
      parameters,
      optimizer,
      objective: sft,
      feed,
      vectors: null,
      settings,
      precision: engine.precision,
    },
    {
      startStep: 0,
      signal: new AbortController().signal,
      onStep: ({ step, loss, tokensPerSecond }) => {
        recent = recent === 0 ? loss : 0.98 * recent + 0.02 * loss;
        if (step % 50 === 0)
          console.log(`step ${step}: loss ${recent.toFixed(4)}, ${tokensPerSecond.toFixed(0)} tokens/s`);
      },
      onWarning: ({ message }) => console.warn(message),
      save: () => Promise.resolve(),
      lastSave: () => null,
    },
  );
  console.log(`${feed.steps} steps on ${examples.length} examples`);
  writeWeights();
}

/** Standard deviation of matrices before training. */
const INIT_STD = 0.02;

/** A tensor of a base that has learnt nothing yet: matrices are random, norms are 1. */
function drawTensor(name: string, data: Float32Array): void {
  const rng = new Rng(0, "init", name);
  const norm = name.endsWith("norm.weight");
  for (let i = 0; i < data.length; i++) data[i] = norm ? 1 : INIT_STD * rng.normal();
}

/** Half of the examples are read as plain text. */
function isText(index: number): boolean {
  return new Rng(0, "text", index).uniform() < 0.5;
}

/** An example as plain text: every token is predicted, each with a small weight. */
function asText({ id, inputIds, parents, profile }: SftExample): SftExample {
  const targets = inputIds
    .slice(1)
    .map((token, position) => ({ position, tokens: [token], probabilities: [1], share: 1 }));
  return { id, inputIds, parents, targets, weight: TEXT_WEIGHT, profile };
}

function concatenate(sources: readonly Source<ChoiceExample>[]): Source<ChoiceExample> {
  const starts: number[] = [];
  let length = 0;
  for (const source of sources) {
    starts.push(length);
    length += source.length;
  }
  return {
    length,
    at(index) {
      const which = starts.findLastIndex((start) => start <= index);
      return sources[which]!.at(index - starts[which]!);
    },
    attributes: sources[0]!.attributes,
    files: {},
  };
}

/** What the tokenizer is made for: the prompts, and plain English (the licence). */
function* corpus(source: Source<ChoiceExample>): Iterable<string> {
  for (const file of ["LICENSE"]) yield readFileSync(join(packageRoot, file), "utf8");
  for (let i = 0; i < source.length; i += 101) {
    for (const { content } of choiceMessages(source.at(i), true)) yield content;
    yield optionLabel(i % 5);
  }
}
