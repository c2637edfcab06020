/** The public API of the package. */
export { loadCuma, type Answer, type Cuma, type LogitsRequest, type ModelOptions, type Routing } from "./app/index.ts";
export { runEvaluation, type EvaluationConfig, type EvaluationResults } from "./app/index.ts";
export { prepareRun, previewExamples, runConfigSchema, train, type RunConfig, type RunHooks } from "./app/index.ts";
export {
  evaluate,
  metrics,
  PredictionTableBuilder,
  readPredictions,
  scorePublished,
  writePredictions,
  type EvaluateOptions,
  type Metric,
  type MetricName,
  type MetricResult,
  type PredictionRow,
  type PredictionTable,
} from "../eval/index.ts";
export {
  convertWvs,
  loadWorldValuesBench,
  plantedTruth,
  writePlanted,
  type ChoiceExample,
  type ExampleSource,
  type PlantedOptions,
  type WorldValuesBench,
} from "../datasets/index.ts";
export { profileText, type Choice, type Profile } from "./models/index.ts";
export { CumaError, Interrupted, UsageError } from "./util/index.ts";
