import type { ForeignKeys } from "../src/core/util/index.ts";

/** Keys that every adapter_config.json may have: ours, and those of PEFT that describe the file. */
const described = {
  "what the file is, and who made it of what": [
    "peft_type",
    "peft_version",
    "task_type",
    "auto_mapping",
    "base_model_name_or_path",
    "base_model",
    "model_type",
    "revision",
    "torch_dtype",
  ],
} as const;

/** Keys that are read for every method, in format.ts. */
const shared = ["demographic_embed_dim", "hidden_size", "profile_encoder", "reader", "base_hash"] as const;

/** Keys of PEFT's LoraConfig, from 0.2 to 0.21. */
export const peftLoraKeys: ForeignKeys = {
  read: [...shared, "r", "lora_alpha", "lora_dropout", "use_rslora", "target_modules"],
  harmless: {
    ...described,
    "only training asks": ["inference_mode", "merge_weights"],
    "the weights that came of it are in the file; the initialisation itself is asked by init_lora_weights": [
      "eva_config",
      "loftq_config",
      "corda_config",
      "lora_ga_config",
    ],
    "means something only beside a key that is refused": ["megatron_core", "layers_pattern", "qalora_group_size"],
    "PEFT itself does not restore it": ["runtime_config"],
  },
  neutral: {
    // Those missing here (pissa, olora, corda, loftq, lora_ga) rewrite the base's weights before training: what they save is
    // no difference to the base as published. PEFT can convert such an adapter when it saves
    // (path_initial_model_for_weight_conversion), and then writes true.
    init_lora_weights: [true, false, "gaussian", "eva", "orthogonal", "mica"],
    bias: ["none"],
    fan_in_fan_out: [false],
    use_dora: [false],
    use_qalora: [false],
    use_bdlora: [false],
    lora_bias: [false],
    ensure_weight_tying: [false],
    enable_lora: [],
    exclude_modules: [],
    layers_to_transform: [],
    layer_replication: [],
    rank_pattern: [],
    alpha_pattern: [],
    modules_to_save: [],
    target_parameters: [],
    trainable_token_indices: [],
    alora_invocation_tokens: [],
    arrow_config: [],
    kasa_config: [],
    megatron_config: [],
    monteclora_config: [],
    velora_config: [],
  },
};

/** Keys of the CuMA reference code, and `gating`, which is ours. */
export const cumaKeys: ForeignKeys = {
  read: [
    ...shared,
    "lora_r",
    "lora_alpha",
    "dropout",
    "num_experts",
    "top_k",
    "use_hydra_lora",
    "router_hidden_dim",
    "num_router_mlp_layers",
    "num_encoder_proj_mlp_layers",
    "top_k_routing_strategy",
    "target_modules",
    "target_modules_lora",
    "share_router_for_qkv",
    "share_router_for_w_i",
    "gating",
  ],
  harmless: { ...described, "only training asks": ["use_load_balancing_loss", "lambda_auxiliary"] },
  neutral: {},
};

/** Keys of a folder that holds every tensor of the base. */
export const fullKeys: ForeignKeys = { read: shared, harmless: described, neutral: {} };
