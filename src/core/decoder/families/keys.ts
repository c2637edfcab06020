import type { ForeignKeys } from "../../util/index.ts";

/** Several times as many as any model has; all of them are listed before weights are looked at. */
export const MAX_LAYERS = 10_000;

/**
 * Keys of config.json that change no likelihood, for every family. generation_config.json is not read at all: it says how
 * tokens are drawn, and nothing is drawn here.
 */
export const harmlessKeys: ForeignKeys["harmless"] = {
  "what the file is, and who made it": [
    "architectures",
    "transformers_version",
    "_name_or_path",
    "name_or_path",
    "_commit_hash",
    "tokenizer_class",
    "is_llama_config",
    "unsloth_fixed",
    "unsloth_version",
    "transformers.js_config",
  ],
  "weights are read as float32 whatever they are stored as": ["dtype", "torch_dtype", "use_bfloat16"],
  "how other software computes the same": [
    "use_cache",
    "attn_implementation",
    "_attn_implementation",
    "_attn_implementation_autoset",
    "_experts_implementation",
    "chunk_size_feed_forward",
    // It splits a product into a sum of products.
    "pretraining_tp",
    "torchscript",
    "return_dict",
    "output_attentions",
    "output_hidden_states",
    "gradient_checkpointing",
    "tf_legacy_loss",
  ],
  "tokens are what the tokenizer's files say": [
    "bos_token_id",
    "eos_token_id",
    "pad_token_id",
    "unk_token_id",
    "sep_token_id",
    "cls_token_id",
    "mask_token_id",
    "decoder_start_token_id",
    "prefix",
    "model_max_length",
    "max_sequence_length",
    "tokenizer_model_max_length",
    "tokenizer_padding_side",
  ],
  "only training asks": [
    "initializer_range",
    "attention_dropout",
    "attention_probs_dropout_prob",
    "hidden_dropout",
    "hidden_dropout_prob",
    "classifier_dropout",
    "resid_pdrop",
    "embd_pdrop",
    "attn_pdrop",
  ],
  "heads for other tasks": [
    "id2label",
    "label2id",
    "num_labels",
    "problem_type",
    "finetuning_task",
    "task_specific_params",
  ],
  "how tokens are drawn": [
    "max_length",
    "min_length",
    "max_new_tokens",
    "do_sample",
    "early_stopping",
    "num_beams",
    "num_beam_groups",
    "diversity_penalty",
    "temperature",
    "top_k",
    "top_p",
    "typical_p",
    "repetition_penalty",
    "length_penalty",
    "no_repeat_ngram_size",
    "encoder_no_repeat_ngram_size",
    "bad_words_ids",
    "num_return_sequences",
    "output_scores",
    "return_dict_in_generate",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "remove_invalid_values",
    "exponential_decay_length_penalty",
    "suppress_tokens",
    "begin_suppress_tokens",
  ],
};

/** Keys of config.json that are not supported, with the values that make no difference, for every family. */
export const neutralKeys: ForeignKeys["neutral"] = {
  // Weights that are no plain numbers, or would be rounded when the model is loaded.
  quantization_config: [],
  quantization: [],
  compression_config: [],
  // The publisher's own code, which is never run; it may be any architecture.
  auto_map: [],
  pruned_heads: [],
  is_encoder_decoder: [false],
  tie_encoder_decoder: [false],
  add_cross_attention: [false],
  cross_attention_hidden_size: [],
};

/** The same of decoders. */
export const neutralDecoderKeys: ForeignKeys["neutral"] = {
  ...neutralKeys,
  is_decoder: [true, false],
  is_causal: [true],
  rope_interleaved: [false],
  residual_multiplier: [1],
  embedding_multiplier: [1],
  logits_scaling: [1],
  logit_scale: [1],
};
