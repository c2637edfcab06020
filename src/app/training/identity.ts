import { availableParallelism } from "node:os";
import { engines } from "../../core/engine/index.ts";
import type { ProfileSpace } from "../../core/encoders/index.ts";
import type { PlanName, RunIdentity } from "../../core/train/index.ts";
import { versions } from "../package.ts";
import type { RunConfig } from "../runConfig.ts";

/**
 * What two runs must have in common for one to go on with the other: all that its result depends on. Where base, data and
 * results lie may change; what the files hold may not. How long a run goes on matters to a rate that falls towards its end.
 */
export function identityOf(
  config: RunConfig,
  found: {
    readonly base: string;
    readonly data: Readonly<Record<string, string>>;
    readonly plan: PlanName;
    readonly space: ProfileSpace | null;
    readonly steps: number;
  },
): RunIdentity {
  const { data, encoder, train, engine, threads } = config;
  return {
    ...config,
    base: undefined,
    revision: undefined,
    out: undefined,
    data: { ...data, dir: undefined },
    encoder: found.space && { ...encoder, model: undefined, hash: found.space.encoderHash },
    train: {
      ...train,
      saveEvery: undefined,
      epochs: undefined,
      maxSteps: undefined,
      steps: train.schedule === "constant" ? undefined : found.steps,
    },
    plan: found.plan,
    threads: engines[engine].threaded ? (threads ?? availableParallelism()) : null,
    baseHash: found.base,
    dataFiles: found.data,
    versions: versions(),
  };
}
