/**
 * One measurement of likelihoods of multiple choice, in a process of its own: `node evaluation.js [--questions Q] ...`.
 * Every person answers Q questions; a prompt has 58 tokens that describe the person and 60 of a question: the shares
 * (49% and 51%) of prompts made of WorldValuesBench's metadata, all eight attributes, and SmolLM2's template; four options
 * of one token each. Prints one JSON line.
 */
import { parseArgs } from "node:util";
import { onnxRuntimeEngine } from "../../src/core/engine/onnxruntime/node.ts";
import { Decoder } from "../../src/core/decoder/index.ts";
import { logLikelihoods, type LikelihoodGroup } from "../../src/core/inference/index.ts";
import { ParameterStore } from "../../src/core/train/index.ts";
import { Rng } from "../../src/core/util/index.ts";
import { cumaAdapter, PROFILE_WIDTH, randomTokens, randomWeights, smolLM2 } from "./smolLM2.ts";

const PERSONA_TOKENS = 58;
const QUESTION_TOKENS = 60;

const { values } = parseArgs({
  options: {
    questions: { type: "string", default: "4" },
    examples: { type: "string", default: "48" },
    rounds: { type: "string", default: "3" },
    threads: { type: "string", default: "2" },
  },
});
const [questions, examples, rounds] = [Number(values.questions), Number(values.examples), Number(values.rounds)];

const rng = new Rng(0, "bench");
const options = randomTokens(rng, 4).map((token) => [token]);
const questionTexts = Array.from({ length: questions }, () => randomTokens(rng, QUESTION_TOKENS));
const groups = Array.from({ length: Math.ceil(examples / questions) }, (): LikelihoodGroup => {
  const persona = randomTokens(rng, PERSONA_TOKENS);
  return {
    profile: Float32Array.from({ length: PROFILE_WIDTH }, () => rng.normal()),
    items: questionTexts.map((question) => ({ prompt: [...persona, ...question], continuations: options })),
  };
});

const adapter = cumaAdapter(8);
const parameters = new ParameterStore(adapter.parameters, "float32");
parameters.initialise(0);
const decoder = new Decoder(onnxRuntimeEngine({ threads: Number(values.threads) }), {
  config: smolLM2,
  weights: randomWeights(),
  adapter,
  parameters: parameters.views,
});

const times: number[] = [];
let cpu = process.cpuUsage();
for (let round = 0; round <= rounds; round++) {
  if (round === 1) cpu = process.cpuUsage();
  const begin = performance.now();
  await logLikelihoods(decoder, groups);
  if (round > 0) times.push((performance.now() - begin) / 1000);
}
const { user, system } = process.cpuUsage(cpu);
const count = groups.length * questions;
const [best, median] = [Math.min(...times), times.sort((a, b) => a - b)[Math.floor(times.length / 2)]!];
console.log(
  JSON.stringify({
    questionsPerPerson: questions,
    examples: count,
    examplesPerSecond: count / median,
    bestExamplesPerSecond: count / best,
    cpuSecondsPerExample: (user + system) / 1e6 / rounds / count,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  }),
);
