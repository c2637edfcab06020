import { checkArgument, CumaError, excerpt, Rng, show } from "../../src/core/util/index.ts";
import { checkTable, compareOptionsSchema } from "../arguments.ts";
import {
  bootstrapP,
  centredInterval,
  resample,
  benjaminiHochberg,
  mcnemar,
  type McNemar,
} from "../../src/core/stats/index.ts";
import { prepare, type EvaluateOptions } from "./evaluate.ts";
import { defaultGrouping } from "./input.ts";
import { metrics, type MetricName } from "../metrics/index.ts";
import { checkedDraws, valuesOf } from "../metrics/result.ts";
import { argmax } from "../metrics/rows.ts";
import { selectRows, tableOf, type PredictionTable, type TextColumn } from "./predictionTable.ts";

export interface CompareOptions<Name extends MetricName = MetricName> extends Omit<
  EvaluateOptions<Name>,
  "permutations"
> {
  /** Compares the examples that both have; without it, an example that only one has is an error. */
  readonly intersect?: boolean;
  /** What errors call the two, such as their files. */
  readonly sources?: readonly [string, string];
}

const SOURCES = ["the first predictions", "the second predictions"] as const;

/** A metric of two runs. */
export interface Difference {
  readonly a: number;
  readonly b: number;
  /** a - b */
  readonly difference: number;
  /** Centred percentile interval of the difference. */
  readonly low: number;
  readonly high: number;
  /** Two-sided, of the hypothesis that there is no difference (see `bootstrapP`). */
  readonly p: number;
  /** Adjusted for the number of metrics by Benjamini and Hochberg. */
  readonly pAdjusted: number;
  /** Rows that both values are computed from. */
  readonly n: number;
}

/**
 * Metrics of two predictions of the same examples, with tests of their differences by a paired cluster bootstrap: both
 * see the same draws. Rows are matched by example id, in any order. NaN where a metric of either is undefined.
 * @throws CumaError naming the first example that only one has, or that differs in its question, options, answer, target,
 * weight, participant, or an attribute that is used; and as `evaluate`.
 */
export function compare<Name extends MetricName = MetricName>(
  a: PredictionTable,
  b: PredictionTable,
  options: CompareOptions<Name> = {},
): Record<Name, Difference> {
  checkPair(a, b, options);
  const { resamples, level, seed } = checkedDraws(options);
  const paired = pair(a, b, options);
  const { names, prepared: ofA } = prepare(metrics, paired.a, options);
  const { prepared: ofB } = prepare(metrics, paired.b, options);
  const drawn = resample([...ofA, ...ofB], resamples, () => new Rng(seed, "bootstrap"));
  const [valuesA, valuesB] = [valuesOf(ofA), valuesOf(ofB)];
  const found = names.map((_, i) => {
    const difference = valuesA[i]! - valuesB[i]!;
    const differences = drawn[i]!.map((value, r) => value - drawn[names.length + i]![r]!);
    return {
      a: valuesA[i]!,
      b: valuesB[i]!,
      difference,
      ...centredInterval(difference, differences, level, [-Infinity, Infinity]),
      p: bootstrapP(difference, differences),
      n: ofA[i]!.n,
    };
  });
  const adjusted = benjaminiHochberg(found.map(({ p }) => p));
  const entries = names.map((name, i): [Name, Difference] => [name, { ...found[i]!, pAdjusted: adjusted[i]! }]);
  return Object.fromEntries(entries) as Record<Name, Difference>;
}

/**
 * The exact McNemar test of two predictions' accuracy, over the rows that have an answer; weights do not count.
 * @throws CumaError as `compare`.
 */
export function compareAccuracy(a: PredictionTable, b: PredictionTable, options: PairOptions = {}): McNemar {
  checkPair(a, b, options);
  const paired = pair(a, b, options);
  let onlyA = 0;
  let onlyB = 0;
  for (let row = 0; row < paired.a.rows; row++) {
    const answer = paired.a.answer[row]!;
    if (answer < 0) continue;
    const [rightA, rightB] = [argmax(paired.a, row) === answer, argmax(paired.b, row) === answer];
    if (rightA && !rightB) onlyA++;
    if (rightB && !rightA) onlyB++;
  }
  return mcnemar(onlyA, onlyB);
}

function checkPair(a: unknown, b: unknown, options: unknown): void {
  checkTable("a", a);
  checkTable("b", b);
  checkArgument("options", compareOptionsSchema, options);
}

type PairOptions = Pick<CompareOptions, "by" | "attributes" | "intersect" | "sources">;

/** Both tables with the same rows in the same order, which differ in nothing but probabilities. */
function pair(
  a: PredictionTable,
  b: PredictionTable,
  { by, attributes, intersect = false, sources = SOURCES }: PairOptions,
): { a: PredictionTable; b: PredictionTable } {
  const rowOfB = new Map(b.exampleIds.map((id, row) => [id, row]));
  const rows: number[] = [];
  const others: number[] = [];
  const refuse = (id: string, only: string, other: string): never => {
    throw new CumaError(`example "${excerpt(id)}": is in ${only} only; expected the same examples in ${other}`);
  };
  for (const [row, id] of a.exampleIds.entries()) {
    const other = rowOfB.get(id);
    if (other !== undefined) {
      rows.push(row);
      others.push(other);
      rowOfB.delete(id);
    } else if (!intersect) refuse(id, sources[0], sources[1]);
  }
  const [left] = rowOfB.keys();
  if (left !== undefined && !intersect) refuse(left, sources[1], sources[0]);
  if (rows.length === 0) {
    throw new CumaError(`expected predictions of the same examples; none is in both ${sources.join(" and ")}`);
  }
  const used = new Set([...(by ?? defaultGrouping(a)), ...(attributes ?? a.attributes.keys())]);
  const check = differ(a, b, [...used], sources);
  for (const [i, row] of rows.entries()) check(row, others[i]!);
  const selected = selectRows(a, rows);
  const probabilities = new Float64Array(selected.probabilities.length);
  for (const [i, row] of others.entries()) {
    probabilities.set(b.probabilities.subarray(b.offsets[row], b.offsets[row + 1]), selected.offsets[i]);
  }
  return { a: selected, b: tableOf({ ...selected, probabilities }) };
}

/** Refuses a pair of rows that differ in more than probabilities. */
function differ(
  a: PredictionTable,
  b: PredictionTable,
  attributes: readonly string[],
  [sourceA, sourceB]: readonly [string, string],
): (rowA: number, rowB: number) => void {
  const texts = [
    { name: "participant", a: a.participant, b: b.participant },
    ...attributes.map((name) => ({ name, a: a.attributes.get(name), b: b.attributes.get(name) })),
  ];
  const text = (column: TextColumn | undefined, row: number): string | undefined => column?.values[column.codes[row]!];
  const checked = new Set<number>();
  return (rowA, rowB) => {
    const fail = (what: string, found: unknown, other: unknown): never => {
      const where = `example "${excerpt(a.exampleIds[rowA]!)}": ${excerpt(what)}`;
      const instead = `${show(found)} in ${sourceA} and ${show(other)} in ${sourceB}`;
      throw new CumaError(`${where}: expected the same in both predictions, found ${instead}`);
    };
    const [questionA, questionB] = [a.questions[a.question[rowA]!]!, b.questions[b.question[rowB]!]!];
    if (questionA.id !== questionB.id) fail("question", questionA.id, questionB.id);
    const pairOfQuestions = a.question[rowA]! * b.questions.length + b.question[rowB]!;
    if (!checked.has(pairOfQuestions)) {
      if (JSON.stringify(questionA.options) !== JSON.stringify(questionB.options)) {
        fail("options", questionA.options, questionB.options);
      }
      if (questionA.ordered !== questionB.ordered) fail("ordered", questionA.ordered, questionB.ordered);
      checked.add(pairOfQuestions);
    }
    if (a.answer[rowA] !== b.answer[rowB]) fail("answer", a.answer[rowA], b.answer[rowB]);
    if (a.weight[rowA] !== b.weight[rowB]) fail("weight", a.weight[rowA], b.weight[rowB]);
    const [hasA, hasB] = [a.hasTarget[rowA] === 1, b.hasTarget[rowB] === 1];
    const [fromA, fromB] = [a.offsets[rowA]!, b.offsets[rowB]!];
    if (hasA !== hasB) fail("whether there is a target", hasA, hasB);
    for (let k = 0; hasA && k < questionA.options.length; k++) {
      if (a.targets[fromA + k] !== b.targets[fromB + k]) {
        fail(`target[${k}]`, a.targets[fromA + k], b.targets[fromB + k]);
      }
    }
    for (const { name, a: columnA, b: columnB } of texts) {
      const [valueA, valueB] = [text(columnA, rowA), text(columnB, rowB)];
      if (valueA !== valueB) fail(name, valueA, valueB);
    }
  };
}
