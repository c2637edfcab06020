import { sizeOf, type Floats } from "../graph/index.ts";
import type { ParameterStore } from "./parameters.ts";

export interface AdamWConfig {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  /** Whether weight decay also applies to biases and norms. */
  readonly decayAll: boolean;
}

export const adamWDefaults: AdamWConfig = { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0, decayAll: false };

/**
 * AdamW (Loshchilov and Hutter, arXiv 1711.05101): Adam with decoupled weight decay, as torch.optim.AdamW computes it.
 *
 *   p <- p - lr * decay * p;   m <- b1 m + (1 - b1) g;   v <- b2 v + (1 - b2) g^2
 *   p <- p - lr * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
 */
export class AdamW {
  /** First and second moments, in the order of the parameters. */
  readonly m: Floats;
  readonly v: Floats;
  private readonly parameters: ParameterStore;
  private readonly config: AdamWConfig;

  constructor(parameters: ParameterStore, config: AdamWConfig) {
    this.parameters = parameters;
    this.config = config;
    this.m = parameters.flat.slice().fill(0);
    this.v = parameters.flat.slice().fill(0);
  }

  /** @param step Counted from 1. */
  step(gradients: Floats, lr: number, step: number): void {
    const { beta1, beta2, eps, weightDecay, decayAll } = this.config;
    const { m, v } = this;
    const p = this.parameters.flat;
    const stepSize = lr / (1 - beta1 ** step);
    const correction = 1 / Math.sqrt(1 - beta2 ** step);
    let start = 0;
    for (const { shape, decay } of this.parameters.specs) {
      const end = start + sizeOf(shape);
      const keep = decay || decayAll ? 1 - lr * weightDecay : 1;
      for (let i = start; i < end; i++) {
        const g = gradients[i]!;
        const mean = beta1 * m[i]! + (1 - beta1) * g;
        const square = beta2 * v[i]! + (1 - beta2) * g * g;
        m[i] = mean;
        v[i] = square;
        p[i] = p[i]! * keep - (stepSize * mean) / (Math.sqrt(square) * correction + eps);
      }
      start = end;
    }
  }
}

/** L2 norm. */
export function norm(values: Floats): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
  return Math.sqrt(sum);
}

/** Scales gradients so that their norm is at most `maxNorm` (0: left as they are). Gives the norm before. */
export function clipByNorm(gradients: Floats, maxNorm: number): number {
  const total = norm(gradients);
  if (maxNorm > 0 && total > maxNorm) {
    const scale = maxNorm / (total + 1e-6);
    for (let i = 0; i < gradients.length; i++) gradients[i]! *= scale;
  }
  return total;
}

/** The learning rate at a step counted from 1, as a share of the configured one. */
export const schedules = {
  constant: () => 1,
  linear: (progress: number) => 1 - progress,
  cosine: (progress: number) => 0.5 * (1 + Math.cos(Math.PI * progress)),
} satisfies Record<string, (progress: number) => number>;

export type ScheduleName = keyof typeof schedules;

/** Linear warm-up over the first `warmup` steps, then the schedule over the remaining ones. */
export function learningRate(lr: number, schedule: ScheduleName, warmup: number, step: number, steps: number): number {
  if (step <= warmup) return (lr * step) / warmup;
  return lr * schedules[schedule]((step - 1 - warmup) / Math.max(1, steps - warmup));
}
