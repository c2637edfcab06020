/**
 * An adapter that is in no table, in one file: a trained magnitude for each output of a linear layer, as DoRA has it without its
 * low-rank part (arXiv 2402.09353).
 *
 *   y' = y m / |W|          m [O] starts at |W|, the norms of the rows of the frozen matrix W [O, I]
 *
 * Its own loss keeps it near the base: drift = mean over outputs of (m / |W| - 1)^2, for each site.
 */
import { z } from "zod";
import { adapterMethod, type NamedLoss } from "../../src/core/decoder/index.ts";
import { constant, div, mul, reduceSum, sqrt, sub } from "../../src/core/ops/index.ts";
import type { Value } from "../../src/core/graph/index.ts";

export const magnitude = adapterMethod({
  name: "magnitude",
  configSchema: z.strictObject({ method: z.literal("magnitude"), targetModules: z.array(z.string()) }),
  peftTypes: ["MAGNITUDE"],
  parseFolderConfig: (json) =>
    z
      .object({ targetModules: z.array(z.string()) })
      .transform((config) => ({ method: "magnitude" as const, ...config }))
      .parse(json),
  takesProfiles: () => false,

  fit({ targetModules }, target) {
    const sites = target.sites.filter(({ name }) => targetModules.some((ending) => name.endsWith(ending)));
    return {
      method: "magnitude",
      sites,
      profileWidth: 0,
      dropout: 0,
      folderConfig: { peft_type: "MAGNITUDE", targetModules },
      parameters: sites.map(({ path, layer, inFeatures: I, outFeatures: O }) => ({
        name: `${path}.magnitude`,
        shape: [O],
        part: "magnitude",
        layer,
        decay: false,
        init(data, _rng, base) {
          const weight = base(`${path}.weight`).data;
          for (let o = 0; o < O; o++) data[o] = Math.hypot(...weight.subarray(o * I, (o + 1) * I));
        },
      })),

      layer(inputs) {
        const losses: NamedLoss[] = [];
        const observed: Record<string, Value> = {};
        return {
          losses,
          observed,
          apply(y, _x, site) {
            const O = site.outFeatures;
            const weight = inputs.weight(site);
            const norms = sqrt(reduceSum(mul(weight, weight), [1], false)); // [O]
            const ratio = div(inputs.parameter(`${site.name}.magnitude`, [O]), norms);
            const off = sub(ratio, constant(inputs.graph, 1));
            losses.push({ name: "drift", value: div(reduceSum(mul(off, off), [0], false), constant(inputs.graph, O)) });
            observed[`${site.name}.ratio`] = div(reduceSum(ratio, [0], false), constant(inputs.graph, O));
            return mul(y, ratio);
          },
        };
      },

      monitor: () => ({
        see(_step, { batch }) {
          const ratios = Object.values(batch).map(({ data }) => data[0]!);
          return { logged: { ratios }, warnings: ratios.some((ratio) => ratio > 1.001) ? ["an output grows"] : [] };
        },
      }),

      toTensors: (values) => ({ ...values }),
      fromTensors: ({ read }) =>
        Object.fromEntries(
          sites.map(({ path, outFeatures: O }) => [`${path}.magnitude`, read(`${path}.magnitude`, [O])]),
        ),
    };
  },
});
