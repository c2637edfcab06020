/**
 * One measurement of the training step, in a process of its own: `node step.js PLAN [--experts E] [--tokens T] ...`.
 * Shape of SmolLM2-135M with random weights; CuMA on q_proj and v_proj, r = 8, top-2; 2 answer tokens per sequence.
 * Prints one JSON line.
 */
import { parseArgs } from "node:util";
import { onnxRuntimeEngine } from "../../src/core/engine/onnxruntime/node.ts";
import { makeBatch } from "../../src/core/decoder/index.ts";
import {
  AdamW,
  adamWDefaults,
  clipByNorm,
  makePlan,
  ParameterStore,
  sft,
  type PlanName,
  type StepInputs,
} from "../../src/core/train/index.ts";
import { Rng } from "../../src/core/util/index.ts";
import { cumaAdapter, PROFILE_WIDTH, randomTokens, randomWeights, smolLM2 } from "./smolLM2.ts";

const ANSWER_TOKENS = 2;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      experts: { type: "string", default: "8" },
      sequences: { type: "string", default: "8" },
      tokens: { type: "string", default: "96" },
      steps: { type: "string", default: "5" },
      threads: { type: "string", default: "2" },
    },
  });
  const plan = positionals[0] as PlanName;
  const [B, T, steps] = [Number(values.sequences), Number(values.tokens), Number(values.steps)];
  const config = smolLM2;
  const weights = randomWeights();
  const engine = onnxRuntimeEngine({ threads: Number(values.threads) });
  const adapter = cumaAdapter(Number(values.experts));

  const parameters = new ParameterStore(adapter.parameters, "float32");
  parameters.initialise(0);
  const gradients = new ParameterStore(adapter.parameters, "float32");
  const optimizer = new AdamW(parameters, adamWDefaults);
  const training = await makePlan(plan, {
    engine,
    config,
    weights,
    adapter,
    objective: sft,
    parameters,
    projection: undefined,
  });
  const rng = new Rng(0, "bench");
  const trees = Array.from({ length: B }, () => ({ ids: randomTokens(rng, T) }));
  const profile = Float32Array.from({ length: B * PROFILE_WIDTH }, () => rng.normal());
  const N = B * ANSWER_TOKENS;
  const inputs: StepInputs = {
    batch: makeBatch(trees, { precision: "float32" }),
    profile: { shape: [B, PROFILE_WIDTH], data: profile },
    labels: {
      rows: Int32Array.from(
        { length: N },
        (_, i) => Math.floor(i / ANSWER_TOKENS) * T + T - 1 - ANSWER_TOKENS + (i % ANSWER_TOKENS),
      ),
      row: Int32Array.from({ length: N }, (_, i) => i),
      token: Int32Array.from({ length: N }, () => rng.below(config.vocabSize)),
    },
    feeds: { weight: { shape: [N], data: new Float64Array(N).fill(1 / N) } },
    lossScales: { loadBalance: 0.01 },
  };
  // `performance.now()` counts from the start of the process.
  const secondsToFirstStep = performance.now() / 1000;
  const times: number[] = [];
  let cpu = process.cpuUsage();
  for (let step = 1; step <= steps + 1; step++) {
    const begin = performance.now();
    if (step === 2) cpu = process.cpuUsage();
    await training.step(inputs, gradients);
    clipByNorm(gradients.flat, 1);
    optimizer.step(gradients.flat, 2e-5, step);
    times.push((performance.now() - begin) / 1000);
  }
  const { user, system } = process.cpuUsage(cpu);
  const measured = times.slice(1).sort((a, b) => a - b);
  const median = measured[Math.floor(measured.length / 2)]!;
  console.log(
    JSON.stringify({
      plan,
      tokensPerSecond: (B * T) / median,
      secondsPerStep: { median, min: measured[0], max: measured.at(-1) },
      cpuSecondsPerStep: (user + system) / 1e6 / steps,
      peakRssBytes: process.resourceUsage().maxRSS * 1024,
      secondsToFirstStep,
      trainableParameters: parameters.flat.length,
    }),
  );
}

await main();
