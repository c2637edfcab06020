/**
 * CuMA: mixtures of LoRA experts whose router sees the token and the person's profile (arXiv 2601.04885).
 *
 *   y = W x + (alpha / r) sum_e g_e(x, profile) B_e A_e x
 */
import type { Value } from "../src/core/graph/index.ts";
import { adapterMethod, layerPrefix } from "../src/core/decoder/index.ts";
import type { Adapter, AdapterTarget, LayerInputs, LinearSite, ParameterSpec } from "../src/core/decoder/index.ts";
import { add } from "../src/core/ops/index.ts";
import {
  observeRouters,
  router,
  routerParameters,
  routingMonitor,
  type RouterConfig,
  type RouterOutput,
} from "../router/index.ts";
import { cumaSchema, type CumaConfig } from "./cumaConfig.ts";
import { cumaFolderConfig, cumaTensors, parseCumaFolder } from "./cumaFormat.ts";
import { mixExperts } from "./experts.ts";
import { normal, zeros } from "./tensors.ts";
import { selectSites } from "./targets.ts";

/** Standard deviation of A at the start; B starts at 0, so that the untrained adapter changes nothing. */
const INIT_STD = 0.01;

/** Name of a site's router inside its layer. Sites that read the same input may share one. */
function routerName({ group, name }: LinearSite, share: CumaConfig["shareRouter"]): string {
  if (share === "layer" && group === "qkv") return "self_attn.router";
  if (share === "layer" && group === "gate_up") return "mlp.router";
  return `${name}.router`;
}

function fit(config: CumaConfig, target: AdapterTarget): Adapter {
  const { r, numExperts: E, topK, shareA } = config;
  const sites = selectSites(target.sites, config.targetModules);
  const routerConfig = (site: LinearSite): RouterConfig => ({
    inFeatures: site.inFeatures,
    profileWidth: target.profileWidth,
    hidden: config.routerHidden,
    numExperts: E,
    topK,
    gating: config.gating,
  });
  const rowsA = shareA ? r : E * r;
  const experts = { numExperts: E, topK, r, shareA, scale: config.loraAlpha / r };
  // In the order of their first site, by full name.
  const routers = new Map<string, RouterConfig & { readonly layer: number }>();
  for (const site of sites) {
    const name = layerPrefix(site.layer) + routerName(site, config.shareRouter);
    if (!routers.has(name)) routers.set(name, { ...routerConfig(site), layer: site.layer });
  }
  const parameters: ParameterSpec[] = [
    ...sites.flatMap(({ path, layer, inFeatures: I, outFeatures: O }): ParameterSpec[] => [
      { name: `${path}.lora_a`, shape: [rowsA, I], part: "experts", layer, decay: true, init: normal(INIT_STD) },
      { name: `${path}.lora_b`, shape: [E * r, O], part: "experts", layer, decay: true, init: zeros },
    ]),
    ...[...routers].flatMap(([name, router]) => routerParameters(name, router.layer, router)),
  ];

  return {
    method: "cuma",
    sites,
    parameters,
    profileWidth: target.profileWidth,
    dropout: config.dropout,
    folderConfig: cumaFolderConfig(config, target.profileWidth),
    monitor: () => routingMonitor(target.profileWidth > 0),

    layer(inputs: LayerInputs) {
      const found = new Map<string, RouterOutput>();
      return {
        get losses() {
          return observeRouters(found).losses;
        },
        get observed() {
          return observeRouters(found).observed;
        },
        apply(y: Value, x: Value, site: LinearSite): Value {
          const name = routerName(site, config.shareRouter);
          const routed = found.get(name) ?? router(name, routerConfig(site), x, inputs);
          found.set(name, routed);
          const a = inputs.parameter(`${site.name}.lora_a`, [rowsA, site.inFeatures]);
          const b = inputs.parameter(`${site.name}.lora_b`, [E * r, site.outFeatures]);
          return add(y, mixExperts(inputs.dropout(x, site), a, b, routed, experts));
        },
      };
    },

    ...cumaTensors(config, sites, routers),
  };
}

export const cuma = adapterMethod({
  name: "cuma",
  configSchema: cumaSchema,
  peftTypes: ["CuMA"],
  parseFolderConfig: parseCumaFolder,
  takesProfiles: () => true,
  fit,
});
