export { detailsOf } from "./details.ts";
export { reportPage } from "./page.ts";
export { reportRecords, reportTables, type ReportRecord, type TableFormat } from "./metricRecords.ts";
export { trainingMeasures } from "./types.ts";
export type { Comparison, Details, Fact, Report, ReportRun, Subset, TrainingLog, TrainingMeasure } from "./types.ts";
