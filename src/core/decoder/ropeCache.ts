import { floats, type Feeds, type HostTensor, type Precision } from "../graph/index.ts";
import type { DecoderConfig, Llama3Scaling, RopeConfig } from "./decoderConfig.ts";

/** Rope tables for the positions seen so far, made anew when longer ones are needed. */
export class RopeCache {
  private tables: Feeds = {};
  private positions = 0;
  private readonly config: DecoderConfig;
  private readonly precision: Precision;

  constructor(config: DecoderConfig, precision: Precision) {
    this.config = config;
    this.precision = precision;
  }

  /** Feeds of tables for at least so many positions. */
  feeds(positions: number): Feeds {
    if (positions > this.positions) {
      this.positions = Math.ceil(positions / 256) * 256;
      const { cos, sin } = ropeTables(this.config, this.positions, this.precision);
      this.tables = { "rope.cos": cos, "rope.sin": sin };
    }
    return this.tables;
  }
}

/** Cosines and sines of the rotary embedding for positions 0 to `positions` - 1: [positions, headDim / 2] each. */
function ropeTables(
  config: DecoderConfig,
  positions: number,
  precision: Precision,
): { cos: HostTensor; sin: HostTensor } {
  const frequencies = inverseFrequencies(config.rope, config.headDim);
  const shape = [positions, frequencies.length];
  const table = (of: (angle: number) => number): HostTensor => {
    const data = floats(precision, positions * frequencies.length);
    for (let i = 0; i < data.length; i++) {
      data[i] = of(Math.floor(i / frequencies.length) * frequencies[i % frequencies.length]!);
    }
    return { shape, data };
  };
  return { cos: table(Math.cos), sin: table(Math.sin) };
}

/** Inverse frequencies of the rotary embedding, [headDim / 2], in radians per position. */
function inverseFrequencies(rope: RopeConfig, headDim: number): Float64Array {
  return Float64Array.from({ length: headDim / 2 }, (_, i) => {
    const frequency = rope.theta ** (-(2 * i) / headDim);
    return rope.llama3 ? stretch(frequency, rope.llama3) : frequency;
  });
}

/** Long wavelengths are stretched by `factor`, short ones kept, and those between interpolated. */
function stretch(
  frequency: number,
  { factor, lowFreqFactor, highFreqFactor, originalMaxPositions }: Llama3Scaling,
): number {
  const wavelength = (2 * Math.PI) / frequency;
  if (wavelength < originalMaxPositions / highFreqFactor) return frequency;
  if (wavelength > originalMaxPositions / lowFreqFactor) return frequency / factor;
  const smooth = (originalMaxPositions / wavelength - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
  return ((1 - smooth) * frequency) / factor + smooth * frequency;
}
