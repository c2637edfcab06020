import type { Graph, Value } from "../graph/index.ts";
import type { Seed } from "../autodiff/index.ts";
import { finalRows, tokenLogProbs, vocabularyLogits, type DecoderConfig, type NamedLoss } from "../decoder/index.ts";
import type { Objective } from "./objective.ts";

/** Name of the output head's matrix in the checkpoint. */
export function headName(config: DecoderConfig): string {
  return config.tieWordEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight";
}

/** Before the names of an objective's feeds, and of the values that it logs. */
export const OBJECTIVE = "objective.";

/**
 * The objective of a batch, a scalar, and what is logged of it.
 * @param hidden [R, H], or [B, T, H] of which `rows` are taken.
 */
export function lossGraph(
  config: DecoderConfig,
  objective: Pick<Objective<never>, "loss">,
  hidden: Value,
  rows: Value,
): { loss: Value; logged: Record<string, Value> } {
  const { graph } = hidden;
  const norm = graph.input("model.norm.weight", "float", [config.hiddenSize]);
  const head = graph.input(headName(config), "float", [config.vocabSize, config.hiddenSize]);
  const normal = finalRows(config, hidden, hidden.shape.length === 3 ? rows : undefined, norm);
  const logProbs = tokenLogProbs(
    vocabularyLogits(normal, head),
    graph.input("labelRow", "int", ["N"]),
    graph.input("labelToken", "int", ["N"]),
  );
  const { loss, logged } = objective.loss(logProbs, (name, dtype, shape) =>
    graph.input(OBJECTIVE + name, dtype, shape),
  );
  return {
    loss,
    logged: Object.fromEntries(Object.entries(logged).map(([name, value]) => [OBJECTIVE + name, value])),
  };
}

/** Name of the factor of an adapter's loss, fed at every step. */
export function scaleName(loss: string): string {
  return `scale.${loss}`;
}

/** An adapter's losses, each with its factor as the gradient. */
export function lossSeeds(graph: Graph, losses: readonly NamedLoss[]): Seed[] {
  return losses.map(({ name, value }) => ({ value, gradient: graph.input(scaleName(name), "float", []) }));
}
