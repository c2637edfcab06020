export { compare, compareAccuracy, type CompareOptions, type Difference } from "./compare.ts";
export { defaultGrouping, evaluate, sharedAttributes, type EvaluateOptions, type Evaluation } from "./evaluate.ts";
export { groupNotes } from "./groupNotes.ts";
export {
  generationMetrics,
  generationTable,
  readGenerations,
  scoreGenerations,
  type Generation,
  type GenerationMetric,
  type GenerationOptions,
} from "./generations.ts";
export {
  judgementMetrics,
  judgementTable,
  readJudgements,
  scoreJudgements,
  type Judgement,
  type JudgementMetric,
} from "./judgements.ts";
export * from "./metrics/index.ts";
export { predict, type PredictHooks, type Scorer } from "./predict.ts";
export {
  PredictionTableBuilder,
  selectRows,
  type PredictionRow,
  type PredictionTable,
  type Question,
  type TextColumn,
} from "./predictions.ts";
export {
  preferenceMetrics,
  preferenceTable,
  readPreferences,
  readRewards,
  rewardMetrics,
  rewardTable,
  scorePreferences,
  scoreRewards,
  type Preference,
  type PreferenceMetric,
  type Reward,
  type RewardMetric,
} from "./preferences.ts";
export { readPredictions, writePredictions, type PredictionsFile } from "./predictionsFile.ts";
export { scorePublished, type PublishedMetric, type PublishedOptions, type PublishedScores } from "./published.ts";
export type { ScoreOptions, TextScores, TextTable } from "./text/scores.ts";
export { benjaminiHochberg, mcnemar, type McNemar } from "./significance.ts";
export { readTruth, withTruth, type Truth } from "./truth.ts";
