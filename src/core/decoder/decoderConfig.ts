/** How positions turn query and key vectors. */
export interface RopeConfig {
  readonly theta: number;
  /** Llama 3's frequency-dependent stretching; null for the plain embedding. */
  readonly llama3: Llama3Scaling | null;
}

export interface Llama3Scaling {
  readonly factor: number;
  readonly lowFreqFactor: number;
  readonly highFreqFactor: number;
  readonly originalMaxPositions: number;
}

/** A decoder of the Llama kind, as all supported families are. Sizes in units; see `decoder.ts` for their places. */
export interface DecoderConfig {
  readonly modelType: string;
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly numLayers: number;
  readonly numHeads: number;
  readonly numKvHeads: number;
  readonly headDim: number;
  readonly rmsNormEps: number;
  readonly tieWordEmbeddings: boolean;
  readonly maxPositions: number;
  readonly rope: RopeConfig;
  /** Biases on q, k, v; on o; on gate, up, down. */
  readonly bias: { readonly qkv: boolean; readonly o: boolean; readonly mlp: boolean };
  /** RMS normalisation of each query and key head before the rotary embedding. */
  readonly qkNorm: boolean;
  /** Layers without a rotary embedding. */
  readonly noRopeLayers: ReadonlySet<number>;
  /** A token attends to this many tokens at most, itself included; null for all before it. */
  readonly slidingWindow: number | null;
}

/** A linear layer of the decoder that an adapter may attach to. */
export interface LinearSite {
  /** Name of the module, as in the checkpoint: "model.layers.3.self_attn.q_proj". */
  readonly path: string;
  readonly layer: number;
  /** The path inside its layer: "self_attn.q_proj". */
  readonly name: string;
  readonly inFeatures: number;
  readonly outFeatures: number;
  /** Sites of a layer with the same group read the same input: q, k, v; gate, up; o; down. */
  readonly group: "qkv" | "o" | "gate_up" | "down";
}
