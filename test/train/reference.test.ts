import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadAdapter } from "../../adapters/index.ts";
import { LOAD_BALANCE, observedGates } from "../../router/index.ts";
import { onnxRuntimeEngine } from "../../src/core/engine/onnxruntime/node.ts";
import type { HostTensor } from "../../src/core/graph/index.ts";
import { SafetensorsFile } from "../../src/core/checkpoint/index.ts";
import { baseShapes, Decoder, makeBatch, parseConfig } from "../../src/core/decoder/index.ts";
import { folderFiles, loadWeights } from "../../src/core/checkpoint/index.ts";
import {
  AdamW,
  adamWDefaults,
  clipByNorm,
  makePlan,
  ParameterStore,
  planNames,
  sft,
  type Labels,
  type PlanModel,
} from "../../src/core/train/index.ts";

const folder = process.env["CUMA_SHARED_GOLDEN"] ?? "../shared/golden";
const tiny = join(folder, "reference-tiny");

interface Case {
  config: { lambda_auxiliary: number; use_load_balancing_loss: boolean };
  input_ids: number[][];
  lengths: number[];
  labels: number[][];
  demographic_embed: number[][];
  router_keys: string[];
  logits_last: number[][];
  logits_base_last: number[][];
  lm_loss: number;
  aux_per_router: number[];
  adamw: {
    lr: number;
    weight_decay: number;
    clip: number;
    trajectory: { total: number; grad_norm_before_clip: number }[];
  };
}

describe.skipIf(!existsSync(tiny))("checkpoints written by the CuMA reference code", () => {
  for (const name of ["adapter", "adapter_ca"]) {
    describe(name, () => {
      const golden = JSON.parse(readFileSync(join(tiny, `case_${name}.json`), "utf8")) as Case;
      const config = parseConfig(JSON.parse(readFileSync(join(tiny, "base/config.json"), "utf8")), "base/config.json");
      const weights = loadWeights(folderFiles(join(tiny, "base")), baseShapes(config));
      const { adapter, parameters } = loadAdapter(join(tiny, name), config);
      const engine = onnxRuntimeEngine({ threads: 1 });
      const batch = makeBatch(
        golden.lengths.map((length, i) => ({ ids: golden.input_ids[i]!.slice(0, length) })),
        { precision: "float32" },
      );
      const profile: HostTensor = {
        shape: [golden.lengths.length, golden.demographic_embed[0]!.length],
        data: Float32Array.from(golden.demographic_embed.flat()),
      };
      const last = Int32Array.from(golden.lengths, (length, i) => i * batch.tokens + length - 1);

      it("gives the same logits, with the adapter and without", async () => {
        for (const [expected, decoder] of [
          [golden.logits_last, new Decoder(engine, { config, weights, adapter, parameters })],
          [golden.logits_base_last, new Decoder(engine, { config, weights })],
        ] as const) {
          const { hidden } = await decoder.forward(batch, { profile, rows: last });
          const { data } = await decoder.logits(hidden);
          const scale = Math.max(...expected.flat().map(Math.abs));
          for (const [i, value] of expected.flat().entries())
            expect(Math.abs(data[i]! - value) / scale).toBeLessThan(1e-5);
        }
      });

      it("gives the same routing", async () => {
        const decoder = new Decoder(engine, { config, weights, adapter, parameters });
        const { observed } = await decoder.forward(batch, { profile, observe: true });
        const gates = observedGates(observed);
        const file = SafetensorsFile.open(join(tiny, `case_${name}.safetensors`));
        expect(Object.keys(gates)).toHaveLength(golden.router_keys.length);
        for (const [i, { data, shape }] of Object.values(gates).entries()) {
          const expected = file.read(`routing_weight.${i}`);
          const E = shape[2]!;
          for (const [b, length] of golden.lengths.entries()) {
            for (let t = 0; t < length; t++) {
              const at = (b * batch.tokens + t) * E;
              const want = Array.from(expected.data.subarray(at, at + E));
              // In the soft case the reference records the weights before they are cut to the top k.
              const cut = name === "adapter_ca" ? [...want].sort((a, c) => c - a)[1]! : 0;
              for (let e = 0; e < E; e++) {
                expect(data[at + e]).toBeCloseTo(want[e]! >= cut ? want[e]! : 0, 5);
              }
            }
          }
        }
        file.close();
      });

      for (const plan of planNames) {
        const setUp = async () => {
          const store = new ParameterStore(adapter.parameters, "float32");
          store.set(parameters);
          const model: PlanModel = {
            engine,
            config,
            weights,
            adapter,
            objective: sft,
            parameters: store,
            projection: undefined,
          };
          const training = await makePlan(plan, model);
          const balanceScale = golden.config.use_load_balancing_loss ? golden.config.lambda_auxiliary : 0;
          const labels = shiftedLabels(golden.labels, batch.tokens);
          const N = labels.token.length;
          const feeds = { weight: { shape: [N], data: new Float64Array(N).fill(1 / N) } };
          const step = (gradients: ParameterStore) =>
            training.step({ batch, profile, labels, feeds, lossScales: { [LOAD_BALANCE]: balanceScale } }, gradients);
          return { store, step, gradients: new ParameterStore(adapter.parameters, "float32"), balanceScale };
        };

        it(`gives the same losses and gradients by the plan "${plan}"`, async () => {
          const { step, gradients, balanceScale } = await setUp();
          const { loss, losses } = await step(gradients);
          expect(loss).toBeCloseTo(golden.lm_loss, 4);
          if (balanceScale > 0) {
            expect(losses).toHaveLength(golden.aux_per_router.length);
            losses.forEach(({ value }, i) => expect(value).toBeCloseTo(golden.aux_per_router[i]!, 4));
          }
          const file = SafetensorsFile.open(join(tiny, `case_${name}.safetensors`));
          for (const [key, { data }] of Object.entries(adapter.toTensors(gradients.views))) {
            const expected = file.read(`grad.${key}`).data;
            const size = Math.hypot(...expected);
            const error = Math.hypot(...expected.map((x, k) => x - data[k]!));
            expect(error, key).toBeLessThan(1e-4 * size + 1e-7);
          }
          file.close();
        });

        it(`follows the same AdamW trajectory by the plan "${plan}"`, async () => {
          const { store, step, gradients, balanceScale } = await setUp();
          const { weight_decay, lr, clip, trajectory } = golden.adamw;
          const optimizer = new AdamW(store, { ...adamWDefaults, weightDecay: weight_decay, decayAll: true });
          for (const [k, expected] of trajectory.entries()) {
            const { loss, losses } = await step(gradients);
            const total = loss + balanceScale * losses.reduce((sum, { value }) => sum + value, 0);
            expect(total).toBeCloseTo(expected.total, 4);
            const before = clipByNorm(gradients.flat, clip);
            expect(Math.abs(before / expected.grad_norm_before_clip - 1)).toBeLessThan(1e-4);
            optimizer.step(gradients.flat, lr, k + 1);
          }
        });
      }
    });
  }
});

/** Labels aligned with the tokens (-100: none) to the tokens that predict them, averaged. */
function shiftedLabels(labels: readonly (readonly number[])[], tokens: number): Labels {
  const found = labels.flatMap((row, b) =>
    row.flatMap((label, t) => (label === -100 ? [] : [{ at: b * tokens + t - 1, label }])),
  );
  return {
    rows: Int32Array.from(found, ({ at }) => at),
    row: Int32Array.from(found, (_, i) => i),
    token: Int32Array.from(found, ({ label }) => label),
  };
}
