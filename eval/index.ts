export { compare, compareAccuracy, type CompareOptions, type Difference } from "./predictions/compare.ts";
export { evaluate, evaluateWith, type EvaluateOptions, type Evaluation } from "./predictions/evaluate.ts";
export { defaultGrouping, sharedAttributes } from "./predictions/input.ts";
export { groupNotes } from "./predictions/groupNotes.ts";
export {
  generationMetrics,
  generationTable,
  readGenerations,
  scoreGenerations,
  type Generation,
  type GenerationMetric,
  type GenerationOptions,
} from "./units/generations.ts";
export {
  judgementMetrics,
  judgementTable,
  readJudgements,
  scoreJudgements,
  type Judgement,
  type JudgementMetric,
} from "./units/judgements.ts";
export * from "./metrics/index.ts";
export * from "./tasks/index.ts";
export {
  selectRows,
  type PredictionRow,
  type PredictionTable,
  type Question,
  type TextColumn,
} from "./predictions/predictionTable.ts";
export { PredictionTableBuilder } from "./predictions/predictionTableBuilder.ts";
export {
  preferenceMetrics,
  preferenceTable,
  readPreferences,
  scorePreferences,
  type Preference,
  type PreferenceMetric,
} from "./units/preferences.ts";
export {
  readRewards,
  rewardMetrics,
  rewardTable,
  scoreRewards,
  type Reward,
  type RewardMetric,
} from "./units/rewards.ts";
export { readPredictions, writePredictions, type PredictionsFile } from "./predictions/predictionsFile.ts";
export {
  scorePublished,
  type PublishedMetric,
  type PublishedOptions,
  type PublishedScores,
} from "./benchmarks/published.ts";
export type { ScoreOptions, TextScores, TextTable } from "./units/scores.ts";
export { benjaminiHochberg, mcnemar, type McNemar } from "../src/core/stats/index.ts";
export { readTruth, withTruth, type Truth } from "./predictions/truth.ts";
