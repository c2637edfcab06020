import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { SafetensorsFile } from "../../src/core/checkpoint/index.ts";
import { cuma, startCuma } from "../support/cli.ts";
import { freshRng } from "../support/seed.ts";
import { temporaryFolder } from "../support/folder.ts";

const root = temporaryFolder("train");
let data: string;
let runFile: string;

beforeAll(async () => {
  data = join(root, "data");
  const made = await cuma([
    "data",
    "planted",
    "--out",
    data,
    "--seed",
    "1",
    "--participants",
    "60",
    "--questions",
    "5",
  ]);
  expect(made).toMatchObject({ code: 0, stdout: `${data}: planted data, seed 1\n` });
  runFile = join(root, "run.yaml");
  writeFileSync(
    runFile,
    `base: demo
data: { benchmark: wvb, dir: ${data}, attributes: [country, religion] }
adapter: { r: 2, numExperts: 4, routerHidden: 16, dropout: 0.1 }
train: { batchSize: 4, accumulate: 2, maxSteps: 24, lr: 1.0e-3, schedule: cosine, warmup: 3, saveEvery: 4, weightDecay: 0.01 }
out: ${join(root, "unused")}
`,
  );
});

const out = (name: string): string => join(root, name);
const bytes = (folder: string): Buffer => readFileSync(join(folder, "adapter_model.safetensors"));
const json = (path: string): Record<string, unknown> =>
  JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
const log = (folder: string): Record<string, unknown>[] =>
  readFileSync(join(folder, "log.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** Lines of the log that are complete, while the run goes on: it may make the file, or take it away, at any moment. */
const logged = (folder: string): number => {
  try {
    return readFileSync(join(folder, "log.jsonl"), "utf8").split("\n").length - 1;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw error;
  }
};

describe("a run", () => {
  let whole: string;
  beforeAll(async () => {
    whole = out("whole");
    const run = await cuma(["train", runFile, "--out", whole]);
    expect(run.stderr).toMatch(/training 24\/24 steps, .*\/s, done, loss \d/);
    expect(run).toMatchObject({ code: 0, stdout: `trained: ${whole}\n` });
  });

  test("leaves an adapter, a log and what it was made from, and nothing else", () => {
    expect(readdirSync(whole).sort()).toEqual([
      "adapter_config.json",
      "adapter_model.safetensors",
      "log.jsonl",
      "optimizer.safetensors",
      "run.json",
    ]);
    expect(json(join(whole, "adapter_config.json"))).toMatchObject({
      peft_type: "CuMA",
      lora_r: 2,
      num_experts: 4,
      reader: { attributes: ["country", "religion"], persona: true },
      profile_encoder: { encoder: "base", standardize: true },
    });
    const run = json(join(whole, "run.json"));
    expect(run).toMatchObject({
      seed: 0,
      config: { train: { maxSteps: 24, clipNorm: 1, loadBalance: 0.01 }, adapter: { method: "cuma", topK: 2 } },
      versions: { cuma: expect.any(String) as string, onnxruntime: expect.any(String) as string },
      steps: 24,
    });
    expect(run).toHaveProperty("gitHash");
    expect(Object.keys(run["dataFiles"] as object)).toHaveLength(5);
    const { experts, router, total } = run["parameters"] as Record<string, number>;
    expect(experts! + router!).toBe(total);
  });

  test("logs every step", () => {
    const entries = log(whole);
    expect(entries.map(({ step }) => step)).toEqual(Array.from({ length: 24 }, (_, i) => i + 1));
    for (const entry of entries) {
      expect(Object.keys(entry)).toEqual([
        "step",
        "epoch",
        "loss",
        "auxLoss",
        "lr",
        "gradNorm",
        "tokensPerSecond",
        "expertLoad",
        "effectiveExperts",
        "gateMax",
        "profileDistance",
      ]);
      expect(entry["expertLoad"]).toHaveLength(4);
    }
    expect(entries[2]!["lr"]).toBe(1e-3);
    expect(entries[0]!["lr"]).toBeCloseTo(1e-3 / 3, 12);
  });

  test("gives the same bytes again, and others by another seed", async () => {
    const [again, other] = await Promise.all([
      cuma(["train", runFile, "--out", out("again")]),
      cuma(["train", runFile, "--out", out("other"), "--seed", "1"]),
    ]);
    expect([again.code, other.code]).toEqual([0, 0]);
    expect(bytes(out("again")).equals(bytes(whole))).toBe(true);
    expect(bytes(out("other")).equals(bytes(whole))).toBe(false);
  });

  test("continues to the same bytes after SIGKILL at random moments", async () => {
    const folder = out("killed");
    const rng = freshRng("moments of SIGKILL");
    let kills = 0;
    for (let attempt = 0; ; attempt++) {
      const child = startCuma(["train", runFile, "--out", folder, ...(attempt > 0 ? ["--resume"] : [])]);
      const ended = new Promise<number | null>((resolve) => child.on("exit", resolve));
      if (kills < 3) {
        await waitFor(() => logged(folder) > 5 * kills, ended);
        await new Promise((resolve) => setTimeout(resolve, rng.uniform() * 300));
        child.kill("SIGKILL");
        kills++;
      }
      const code = await ended;
      if (code !== null) {
        expect(code).toBe(0);
        break;
      }
    }
    expect(bytes(folder).equals(bytes(whole))).toBe(true);
    expect(log(folder).map(({ step, loss }) => [step, loss])).toEqual(log(whole).map(({ step, loss }) => [step, loss]));
  });

  test("finishes the step, saves and exits 130 on SIGINT", async () => {
    const folder = out("interrupted");
    const child = startCuma(["train", runFile, "--out", folder]);
    const ended = new Promise<number | null>((resolve) => child.on("exit", resolve));
    await waitFor(() => logged(folder) >= 2, ended);
    child.kill("SIGINT");
    expect(await ended).toBe(130);
    const steps = log(folder).length;
    expect(steps).toBeLessThan(24);
    expect(readdirSync(folder)).toContain(`checkpoint-${steps}`);
    expect(existsSync(join(folder, "run.json"))).toBe(false);
    const resumed = await cuma(["train", runFile, "--out", folder, "--resume"]);
    expect(resumed.stderr).toContain(`resuming after step ${steps} of 24`);
    expect(bytes(folder).equals(bytes(whole))).toBe(true);
  });

  test("is not begun again where it is complete", async () => {
    const run = await cuma(["train", runFile, "--out", whole, "--resume"]);
    expect(run).toMatchObject({ code: 0, stdout: `${whole}: the run is complete already\n` });
  });

  test("answers by its adapter", async () => {
    const question = [
      "--question",
      "How much do you trust the courts?",
      "--option",
      "No trust",
      "--option",
      "Full trust",
    ];
    const ask = (country: string) =>
      cuma(["answer", "--base", "demo", "--adapter", whole, "--profile", `country=${country}`, ...question, "--json"]);
    const [one, two] = await Promise.all([ask("Belmora"), ask("Fenmark")]);
    const answer = JSON.parse(one.stdout) as { distribution: number[]; routing: { router: string; gates: number[] }[] };
    expect(answer.distribution.reduce((a, b) => a + b)).toBeCloseTo(1, 6);
    expect(answer.routing.map(({ router }) => router)).toEqual(
      [0, 1, 2, 3].map((layer) => `model.layers.${layer}.self_attn.router`),
    );
    for (const { gates } of answer.routing) expect(gates.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
    expect(JSON.parse(two.stdout)).not.toEqual(answer);
  });
});

test("zero steps give the initial adapter, whose B is 0", async () => {
  const run = await cuma(["train", runFile, "--out", out("zero"), "--set", "train.maxSteps=0"]);
  expect(run.code).toBe(0);
  const file = SafetensorsFile.open(join(out("zero"), "adapter_model.safetensors"));
  const rows = file.names.filter((name) => name.includes("lora_b"));
  expect(rows).toHaveLength(4 * 2 * 4);
  for (const name of rows) expect(file.read(name).data.every((x) => x === 0)).toBe(true);
  file.close();
});

test("a dry run prints what would be done, and writes nothing", async () => {
  const run = await cuma(["train", runFile, "--dry-run", "--json"]);
  expect(run.code).toBe(0);
  const shown = JSON.parse(run.stdout) as Record<string, unknown>;
  expect(shown).toMatchObject({
    config: { train: { lr: 1e-3 }, plan: "layerwise" },
    examples: 210,
    steps: 24,
    batch: { B: 4 },
  });
  expect((shown["parameters"] as Record<string, number>)["total"]).toBeGreaterThan(1000);
  expect(existsSync(out("unused"))).toBe(false);
  // What takes long is not done: neither are the base's files hashed nor profiles encoded.
  expect(run.stderr).not.toMatch(/hashing|encoding/);
  // Of several settings of one key the last counts, and a flag of its own more than any.
  const sets = ["--set", "train.seed=5", "--set", "train.lr=2e-3", "--set", "train.lr=3e-3"];
  const set = await cuma(["train", runFile, "--seed", "4", ...sets, "--dry-run", "--json"]);
  expect(JSON.parse(set.stdout)).toMatchObject({ config: { train: { seed: 4, lr: 3e-3 } } });
});

test("every plan trains the same adapter up to rounding", async () => {
  const plans = ["whole", "layerwise", "recompute"];
  const runs = await Promise.all(
    plans.map((plan) =>
      cuma(["train", runFile, "--out", out(`plan ${plan}`), "--set", `plan=${plan}`, "--set", "train.maxSteps=3"]),
    ),
  );
  expect(runs.map(({ code }) => code)).toEqual([0, 0, 0]);
  const losses = plans.map((plan) => log(out(`plan ${plan}`)).map(({ loss }) => loss as number));
  for (const [step, loss] of losses[0]!.entries()) {
    expect(losses[1]![step]).toBeCloseTo(loss, 5);
    expect(losses[2]![step]).toBeCloseTo(loss, 5);
  }
  expect(bytes(out("plan layerwise")).equals(bytes(out("plan recompute")))).toBe(true);
});

test("the methods and encoders of a run file train, with hard and soft labels", async () => {
  const settings: Record<string, string[]> = {
    lora: ["adapter={ method: lora, r: 4 }"],
    "lora with a profile vector": ["adapter={ method: lora, profileVector: true }"],
    "no profile": ["encoder.model=none"],
    "trained projection": ["encoder.projection=8", "train.labels=soft"],
    soft: ["adapter.gating=soft", "adapter.shareA=true", "data.persona=false", "train.labels=soft"],
    full: ["adapter={ method: full }"],
  };
  const names = Object.keys(settings);
  for (let at = 0; at < names.length; at += 2) {
    await Promise.all(
      names.slice(at, at + 2).map(async (name) => {
        const set = [...settings[name]!, "train.maxSteps=2"].flatMap((assignment) => ["--set", assignment]);
        const run = await cuma(["train", runFile, "--out", out(name), ...set]);
        expect(run, name).toMatchObject({ code: 0 });
        const asked = await cuma([
          ...["answer", "--base", "demo", "--adapter", out(name), "--profile", "country=Belmora", "--json"],
          ...["--question", "How often do you write letters?", "--option", "Never", "--option", "Often"],
        ]);
        expect(asked, name).toMatchObject({ code: 0 });
      }),
    );
  }
});

test("preview shows what is trained, labels aligned with the ids", async () => {
  const run = await cuma(["preview", runFile, "--limit", "3", "--json"]);
  expect(run.code).toBe(0);
  const shown = JSON.parse(run.stdout) as {
    id: string;
    text: string;
    inputIds: number[];
    labels: number[];
    profileText: string;
  }[];
  expect(shown).toHaveLength(3);
  for (const { text, inputIds, labels, profileText } of shown) {
    expect(labels).toHaveLength(inputIds.length);
    expect(labels.flatMap((label, i) => (label === -100 ? [] : [[i, label]]))).toEqual([
      [inputIds.length - 1, inputIds.at(-1)],
    ]);
    expect(profileText).toMatch(/^You are a person from \w+, religion: /);
    expect(text).toContain(`<|im_start|>system\n${profileText}<|im_end|>`);
    expect(text).toMatch(/You can only choose one option\.<\|im_end\|>\n<\|im_start\|>assistant\n[A-E]$/);
  }
});

test("a run that goes wrong stops with the step, the examples and the last checkpoint", async () => {
  const set = ["train.lr=1e30", "train.clipNorm=0", "train.warmup=0", "train.saveEvery=1", "adapter.dropout=0"];
  const run = await cuma(["train", runFile, "--out", out("diverged"), ...set.flatMap((s) => ["--set", s])]);
  expect(run).toMatchObject({ code: 1, stdout: "" });
  expect(run.stderr).toMatch(
    /step \d+: the (loss|gradient norm) is .*; examples: \d+:Q\d.*; last good checkpoint: .*checkpoint-\d+/,
  );
  expect(existsSync(join(out("diverged"), "run.json"))).toBe(false);
});

/** Resolves once `condition` holds. @throws where the process ends before. */
async function waitFor(condition: () => boolean, ended: Promise<number | null>): Promise<void> {
  const process = { over: false };
  void ended.then(() => (process.over = true));
  while (!condition()) {
    if (process.over) throw new Error("the process ended before it was to be stopped");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
