import { describe, expect, it } from "vitest";
import { onnxRuntimeEngine } from "../../src/core/engine/onnxruntime/node.ts";
import { Decoder, makeBatch } from "../../src/core/decoder/index.ts";
import {
  logLikelihoods,
  normaliseLogLikelihoods,
  observedLogLikelihoods,
  observeTokens,
  type LikelihoodGroup,
} from "../../src/core/inference/index.ts";
import { routingOf } from "../../router/index.ts";
import { Rng } from "../../src/core/util/index.ts";
import { randomAdapter, randomWeights, tinyConfig } from "../support/tinyModel.ts";

const engine = onnxRuntimeEngine({ threads: 1 });
const weights = randomWeights(tinyConfig, 1);
const WIDTH = 5;
const cuma = randomAdapter("cuma", { r: 3, numExperts: 4, routerHidden: 6 }, tinyConfig, WIDTH, 2);
const everywhere = randomAdapter(
  "cuma",
  { r: 2, numExperts: 3, routerHidden: 4, targetModules: "all-linear" },
  tinyConfig,
  WIDTH,
  3,
);
const many = randomAdapter("cuma", { r: 4, numExperts: 64, routerHidden: 6 }, tinyConfig, WIDTH, 4);
const decoders = {
  base: new Decoder(engine, { config: tinyConfig, weights }),
  "cuma on q and v": new Decoder(engine, {
    config: tinyConfig,
    weights,
    adapter: cuma.adapter,
    parameters: cuma.parameters.views,
  }),
  "cuma with many experts": new Decoder(engine, {
    config: tinyConfig,
    weights,
    adapter: many.adapter,
    parameters: many.parameters.views,
  }),
  "cuma everywhere": new Decoder(engine, {
    config: tinyConfig,
    weights,
    adapter: everywhere.adapter,
    parameters: everywhere.parameters.views,
  }),
};

function tokens(rng: Rng, length: number): number[] {
  return Array.from({ length }, () => rng.below(tinyConfig.vocabSize));
}

/** Reads every text on its own. */
async function bruteForce(decoder: Decoder, { profile, items }: LikelihoodGroup): Promise<number[][]> {
  const results: number[][] = [];
  for (const { prompt, continuations } of items) {
    const scores: number[] = [];
    for (const continuation of continuations) {
      const ids = [...prompt, ...continuation];
      const { hidden } = await decoder.forward(makeBatch([{ ids }], { precision: "float32" }), {
        profile: profile && { shape: [1, WIDTH], data: profile },
      });
      const row = Int32Array.from(continuation, (_, i) => prompt.length - 1 + i);
      const values = await decoder.logProbs(hidden, row, Int32Array.from(continuation));
      scores.push(Array.from(values).reduce((a, b) => a + b, 0));
    }
    results.push(scores);
  }
  return results;
}

/** People with 1, 2 and 12 questions. */
function people(rng: Rng, withProfile: boolean): LikelihoodGroup[] {
  return [1, 2, 12].map((n) => {
    const persona = tokens(rng, 30);
    return {
      profile: withProfile ? Float32Array.from({ length: WIDTH }, () => rng.normal()) : undefined,
      items: Array.from({ length: n }, () => {
        const first = rng.below(20);
        return {
          prompt: [...persona, ...tokens(rng, 5 + rng.below(30))],
          // One token each, or texts that share a beginning.
          continuations: rng.below(2) === 0 ? [[first], [first + 1]] : [[first, 3, 4], [first, 3, 5], [first, 6], [7]],
        };
      }),
    };
  });
}

describe.each(Object.entries(decoders))("log-likelihoods of continuations, %s", (name, decoder) => {
  it("are those of reading every text on its own", async () => {
    const groups = people(new Rng(7), name !== "base");
    const found = await logLikelihoods(decoder, groups);
    for (const [g, group] of groups.entries()) {
      const expected = await bruteForce(decoder, group);
      for (const [i, scores] of expected.entries()) {
        const p = normaliseLogLikelihoods(scores);
        normaliseLogLikelihoods(found[g]![i]!).forEach((q, c) => expect(Math.abs(q - p[c]!)).toBeLessThan(1e-5));
        scores.forEach((score, c) => expect(Math.abs(found[g]![i]![c]! - score)).toBeLessThan(1e-4));
      }
    }
  });

  it("come with the gates of reading the prompt on its own, to the bit where answers are single tokens", async () => {
    for (const { profile, items } of people(new Rng(10), name !== "base")) {
      for (const item of items) {
        const { logLikelihoods: likelihoods, observed } = await observedLogLikelihoods(decoder, item, profile);
        expect([[likelihoods]]).toStrictEqual(await logLikelihoods(decoder, [{ profile, items: [item] }]));
        const routing = routingOf(observed, item.prompt.length);
        const alone = routingOf(await observeTokens(decoder, item.prompt, profile), item.prompt.length);
        expect(routing.length > 0).toBe(name !== "base");
        if (item.continuations.every(({ length }) => length === 1)) expect(routing).toStrictEqual(alone);
        for (const [r, { gates }] of alone.entries()) {
          gates.forEach((gate, e) => expect(Math.abs(routing[r]!.gates[e]! - gate)).toBeLessThan(1e-6));
        }
      }
    }
  });

  it("asked for at once are those asked for in turn, to the bit", async () => {
    const groups = people(new Rng(9), name !== "base");
    const atOnce = await Promise.all(groups.map((group) => logLikelihoods(decoder, [group])));
    for (const [g, group] of groups.entries()) {
      expect(atOnce[g]).toStrictEqual(await logLikelihoods(decoder, [group]));
    }
  });
});

describe.each(["left", "right"] as const)("%s padding", (padding) => {
  it("gives each sequence what it gives alone", async () => {
    const rng = new Rng(8);
    const sequences = [9, 4, 13].map((length) => ({ ids: tokens(rng, length) }));
    const decoder = decoders["cuma everywhere"];
    const profile = Float32Array.from({ length: 3 * WIDTH }, () => rng.normal());
    const batch = makeBatch(sequences, { precision: "float32", padding });
    const rows = Int32Array.from(sequences, ({ ids }, b) => b * batch.tokens + batch.starts[b]! + ids.length - 1);
    const { hidden } = await decoder.forward(batch, { profile: { shape: [3, WIDTH], data: profile }, rows });
    const together = (await decoder.logits(hidden)).data.slice();
    for (const [b, sequence] of sequences.entries()) {
      const own = { shape: [1, WIDTH], data: profile.slice(b * WIDTH, (b + 1) * WIDTH) };
      const alone = await decoder.forward(makeBatch([sequence], { precision: "float32" }), {
        profile: own,
        rows: Int32Array.of(sequence.ids.length - 1),
      });
      const { data } = await decoder.logits(alone.hidden);
      data.forEach((x, v) => expect(Math.abs(x - together[b * tinyConfig.vocabSize + v]!)).toBeLessThan(1e-5));
    }
  });
});
