import type { Graph, Value } from "../graph/index.ts";
import { finalRows, tokenLogProbs, vocabularyLogits, type DecoderConfig, type RouterOutput } from "../decoder/index.ts";
import { mul, neg, reduceSum } from "../ops/index.ts";

/** Name of the output head's matrix in the checkpoint. */
export function headName(config: DecoderConfig): string {
  return config.tieWordEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight";
}

/**
 * The loss of a batch: - sum of weight * log p(token) over the labels, a scalar.
 * @param hidden [R, H], or [B, T, H] of which `rows` are taken.
 */
export function lossGraph(config: DecoderConfig, hidden: Value, rows: Value): Value {
  const { graph } = hidden;
  const norm = graph.input("model.norm.weight", "float", [config.hiddenSize]);
  const head = graph.input(headName(config), "float", [config.vocabSize, config.hiddenSize]);
  const normal = finalRows(config, hidden, hidden.shape.length === 3 ? rows : undefined, norm);
  const logProbs = tokenLogProbs(
    vocabularyLogits(normal, head),
    graph.input("labelRow", "int", ["N"]),
    graph.input("labelToken", "int", ["N"]),
  );
  return neg(reduceSum(mul(logProbs, graph.input("labelWeight", "float", ["N"])), [0], false));
}

/** Factor of the load-balancing loss, fed at every step. */
export function balanceScale(graph: Graph): Value {
  return graph.input("balanceScale", "float", []);
}

/** A program's outputs that `routerStats` reads. */
export function routerOutputs(routers: readonly RouterOutput[], prefix = ""): Record<string, Value> {
  return Object.fromEntries(
    routers.flatMap(({ name, balance, load, rowGates, gateMax }) => [
      [`balance.${prefix}${name}`, balance],
      [`load.${prefix}${name}`, load],
      [`rowGates.${prefix}${name}`, rowGates],
      [`gateMax.${prefix}${name}`, gateMax],
    ]),
  );
}
