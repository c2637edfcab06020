/** The public API of the package. */
export { runEvaluation, type EvaluationConfig, type EvaluationResults } from "./app/eval.ts";
export type { ModelOptions } from "./app/model/languageModel.ts";
export { loadCuma, type Answer, type Cuma, type LogitsRequest } from "./app/model/loadCuma.ts";
export { previewExamples } from "./app/preview.ts";
export { writeReport, type ReportOptions } from "./app/report.ts";
export { runRoute, type RouteConfig, type RouteResults } from "./app/route.ts";
export { runConfigSchema, type RunConfig } from "./app/runConfig.ts";
export { train, type RunHooks } from "./app/train.ts";
export { prepareRun } from "./app/training/prepare.ts";
export type { Routing, Topology } from "../router/index.ts";
export {
  benjaminiHochberg,
  compare,
  compareAccuracy,
  evaluate,
  mcnemar,
  metrics,
  PredictionTableBuilder,
  readGenerations,
  readJudgements,
  readPreferences,
  readPredictions,
  readRewards,
  readTruth,
  scoreGenerations,
  scoreJudgements,
  scorePreferences,
  scorePublished,
  scoreRewards,
  withTruth,
  writePredictions,
  type CompareOptions,
  type Difference,
  type EvaluateOptions,
  type Evaluation,
  type McNemar,
  type Metric,
  type MetricName,
  type MetricResult,
  type PredictionRow,
  type PredictionTable,
} from "../eval/index.ts";
export {
  convertWvs,
  isHeldOut,
  loadCarDataWvs,
  loadGlobalOpinionQA,
  loadPlanted,
  loadWorldValuesBench,
  plantedTruth,
  writePlanted,
  type ChoiceExample,
  type HoldOutRule,
  type PlantedOptions,
  type Source,
  type WorldValuesBench,
} from "../datasets/index.ts";
export { profileText, type Choice, type Profile } from "./core/text/index.ts";
export { CumaError, Interrupted, UsageError } from "./core/util/index.ts";
