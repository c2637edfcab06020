import { addOp } from "./add.ts";
import { subOp } from "./sub.ts";
import { mulOp } from "./mul.ts";
import { divOp } from "./div.ts";
import { negOp } from "./neg.ts";
import { expOp } from "./exp.ts";
import { logOp } from "./log.ts";
import { sqrtOp } from "./sqrt.ts";
import { sigmoidOp } from "./sigmoid.ts";
import { tanhOp } from "./tanh.ts";
import { reluOp } from "./relu.ts";
import { stepOp } from "./step.ts";
import { stopGradientOp } from "./stopGradient.ts";
import { siluOp } from "./silu.ts";
import { erfOp } from "./erf.ts";
import { constantOp } from "./constant.ts";
import { reduceSumOp, expandOp } from "./reduceSum.ts";
import { reduceMaxOp } from "./reduceMax.ts";
import { softmaxOp } from "./softmax.ts";
import { matmulOp } from "./matmul.ts";
import { reshapeOp } from "./reshape.ts";
import { transposeOp } from "./transpose.ts";
import { concatOp, sliceOp } from "./concat.ts";
import { gatherOp, scatterAddOp } from "./gather.ts";
import { gatherLastOp, scatterLastOp } from "./gatherLast.ts";
import { pickOp, unpickOp } from "./pick.ts";
import { topKOp } from "./topK.ts";
import { rmsNormOp } from "./rmsNorm.ts";
import { rotaryOp } from "./rotary.ts";
import { expertBlocksOp } from "./expertBlocks.ts";
import { dispatchOp, combineOp } from "./dispatch.ts";
import type { AnyOp } from "../graph/index.ts";

/** Every operation there is. An engine with kernels of its own declares them as a total record over these names. */
export const ops = {
  add: addOp,
  sub: subOp,
  mul: mulOp,
  div: divOp,
  neg: negOp,
  exp: expOp,
  log: logOp,
  sqrt: sqrtOp,
  sigmoid: sigmoidOp,
  tanh: tanhOp,
  relu: reluOp,
  step: stepOp,
  stopGradient: stopGradientOp,
  silu: siluOp,
  erf: erfOp,
  constant: constantOp,
  reduceSum: reduceSumOp,
  reduceMax: reduceMaxOp,
  softmax: softmaxOp,
  matmul: matmulOp,
  reshape: reshapeOp,
  transpose: transposeOp,
  expand: expandOp,
  slice: sliceOp,
  concat: concatOp,
  gather: gatherOp,
  scatterAdd: scatterAddOp,
  gatherLast: gatherLastOp,
  scatterLast: scatterLastOp,
  pick: pickOp,
  unpick: unpickOp,
  topK: topKOp,
  expertBlocks: expertBlocksOp,
  dispatch: dispatchOp,
  combine: combineOp,
  rmsNorm: rmsNormOp,
  rotary: rotaryOp,
} satisfies Record<string, AnyOp>;

export type OpName = keyof typeof ops;

export { add } from "./add.ts";
export { sub } from "./sub.ts";
export { mul } from "./mul.ts";
export { div } from "./div.ts";
export { neg } from "./neg.ts";
export { exp } from "./exp.ts";
export { log } from "./log.ts";
export { sqrt } from "./sqrt.ts";
export { sigmoid } from "./sigmoid.ts";
export { tanh } from "./tanh.ts";
export { relu } from "./relu.ts";
export { step } from "./step.ts";
export { stopGradient } from "./stopGradient.ts";
export { silu } from "./silu.ts";
export { erf } from "./erf.ts";
export { constant } from "./constant.ts";
export { reduceSum, expand } from "./reduceSum.ts";
export { reduceMax } from "./reduceMax.ts";
export { softmax } from "./softmax.ts";
export { matmul } from "./matmul.ts";
export { reshape } from "./reshape.ts";
export { transpose } from "./transpose.ts";
export { concat, slice } from "./concat.ts";
export { gather, scatterAdd } from "./gather.ts";
export { gatherLast, scatterLast } from "./gatherLast.ts";
export { pick, unpick } from "./pick.ts";
export { topK } from "./topK.ts";
export { expertBlocks, type ExpertBlocks } from "./expertBlocks.ts";
export { dispatch, combine } from "./dispatch.ts";
export { rmsNorm } from "./rmsNorm.ts";
export { rotary } from "./rotary.ts";
export type { Operand } from "./elementwise.ts";
