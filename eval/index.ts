export { evaluate, type EvaluateOptions } from "./evaluate.ts";
export * from "./metrics/index.ts";
export { predict, type PredictHooks, type Scorer } from "./predict.ts";
export {
  PredictionTableBuilder,
  type PredictionRow,
  type PredictionTable,
  type Question,
  type TextColumn,
} from "./predictions.ts";
export { readPredictions, writePredictions, type PredictionsFile } from "./predictionsFile.ts";
export { scorePublished, type PublishedMetric, type PublishedOptions, type PublishedScores } from "./published.ts";
