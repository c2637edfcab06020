import type { Difference } from "../predictions/compare.ts";
import type { Dispersion } from "../metrics/dispersion.ts";
import type { ReliabilityBin } from "../metrics/ece.ts";
import type { MetricResult } from "../metrics/index.ts";
import type { Topology } from "../../router/index.ts";
import type { McNemar } from "../../src/core/stats/index.ts";

/** Everything that a report shows, computed and read; drawing it needs nothing else. */
export interface Report {
  readonly title: string;
  /** Attributes whose combined values make the groups. */
  readonly by: readonly string[];
  readonly runs: readonly ReportRun[];
  readonly comparisons: readonly Comparison[];
  /** Pairs of runs that could not be compared, and why. */
  readonly notCompared: readonly { readonly a: string; readonly b: string; readonly why: string }[];
  readonly routings: readonly { readonly name: string; readonly topology: Topology }[];
  /** What was read and with which settings, by name. */
  readonly facts: readonly Fact[];
}

/** One evaluated model. */
export interface ReportRun {
  /** Unique among the runs. */
  readonly name: string;
  /** Where it was read from. */
  readonly source: string;
  readonly metrics: Readonly<Record<string, MetricResult>>;
  /** null where there are no predictions, only results. */
  readonly details: Details | null;
  /** Texts of the questions by id, where they are known. */
  readonly questions?: Readonly<Record<string, string>>;
  readonly subsets: readonly Subset[];
  /** null where no training folder is known. */
  readonly training: TrainingLog | null;
  readonly facts: readonly Fact[];
  /** What a reader must know about how this run was read. */
  readonly notes: readonly string[];
}

/** Part of a run's rows, such as those of groups held out from training. */
export interface Subset {
  readonly name: string;
  readonly metrics: Readonly<Record<string, MetricResult>>;
}

/** A name and a value of a run's circumstances, such as its seed. */
export interface Fact {
  readonly name: string;
  readonly value: string;
}

/** What is drawn of a table of predictions. */
export interface Details {
  readonly examples: number;
  readonly participants: number;
  readonly questions: readonly QuestionDetails[];
  /** Bins of the reliability diagram; empty where no row has an answer. */
  readonly reliability: readonly ReliabilityBin[];
}

export interface QuestionDetails {
  readonly id: string;
  readonly options: readonly string[];
  readonly ordered: boolean;
  readonly dispersion: Dispersion;
  readonly groups: readonly GroupDetails[];
}

/** A question's distributions within one group. */
export interface GroupDetails {
  readonly group: string;
  /** Number of equally weighted answers that the true distribution is worth; Infinity where it is known. */
  readonly n: number;
  readonly truth: readonly number[];
  readonly predicted: readonly number[];
  /** Distance between the two, as in `groupEmd`. */
  readonly emd: number;
}

/** Two runs on the same rows. */
export interface Comparison {
  readonly a: string;
  readonly b: string;
  readonly metrics: Readonly<Record<string, Difference>>;
  readonly mcnemar: McNemar;
}

/** A training log: by measure, [step, value] in the order of steps, a mean over neighbours where there were many. */
export interface TrainingLog {
  readonly folder: string;
  readonly steps: number;
  readonly curves: Readonly<Record<TrainingMeasure, readonly (readonly [number, number])[]>>;
  readonly warnings: readonly { readonly step: number; readonly message: string }[];
}

export const trainingMeasures = ["loss", "lr", "effectiveExperts", "profileDistance"] as const;
export type TrainingMeasure = (typeof trainingMeasures)[number];
