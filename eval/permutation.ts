import type { Rng } from "../src/util/index.ts";
import { clustersOf } from "./bootstrap.ts";
import { Growing } from "./growing.ts";
import { entropy } from "./metrics/distributions.ts";
import { ROUNDING } from "./metrics/dispersion.ts";
import { reasons, type MetricInput, type MetricResult } from "./metrics/metric.ts";
import type { PredictionTable } from "./predictions.ts";

/** Dispersions that differ by less, relatively, are the same one added up in another order. */
const TIE = 1e-9;

/**
 * Label-permutation test of D(F_pred) > 0: how often predictions are as dispersed between groups (see
 * `prepareDispersion`) when groups are handed out at random. Participants keep all their rows and get another
 * participant's group; rows without a participant get that of another such row of the same question. All rows that have
 * a group take part, whatever their truth.
 *
 * The value is p = (1 + permutations with a dispersion as large) / (1 + permutations). Small: groups get predictions of
 * their own; near 1: not more so than groups drawn at random, or all alike. NaN: there are fewer than two groups, or no
 * permutation changes anything, as where each group has one row per question: such predictions do not vary within
 * groups, and chance has no size. It has no interval. A participant with rows in several groups counts as one in each.
 */
export function permutationTest(input: MetricInput, permutations: number, rng: Rng): MetricResult {
  const { groups, table } = input;
  const offsets = new Int32Array(table.questions.length + 1);
  for (const [q, { options }] of table.questions.entries()) offsets[q + 1] = offsets[q]! + options.length;
  const units = makeUnits(input, offsets);
  const n = units.rows;
  const noGroup = groups.codes.length - n;
  const result = (value: number, more: Readonly<Record<string, number>> = {}): MetricResult => ({
    value,
    low: NaN,
    high: NaN,
    n,
    excluded: reasons({ [groups.missing]: noGroup, ...more }),
  });
  if (new Set(units.labels).size < 2) return result(NaN, { "fewer than two groups": n });
  const dispersion = new PredictedDispersion(input, units, offsets);
  const found = dispersion.of(units.labels);
  if (found < ROUNDING) return result(1);
  let asLarge = 0;
  let same = 0;
  for (let i = 0; i < permutations; i++) {
    const drawn = dispersion.of(permuted(units, rng));
    if (drawn >= found * (1 - TIE)) asLarge++;
    if (Math.abs(drawn - found) <= found * TIE) same++;
  }
  if (same === permutations) return result(NaN, { "permutations that change nothing": permutations });
  return result((1 + asLarge) / (1 + permutations));
}

/** What gets a group as a whole: a participant with the group that it has, or a row without participant. */
interface Units {
  /** [units] group of each. */
  readonly labels: Int32Array;
  /** Units whose labels are exchanged with each other. */
  readonly exchangeable: readonly Int32Array[];
  /** [units + 1] runs of unit u are starts[u] .. starts[u+1] of the following. */
  readonly starts: Int32Array;
  /** [runs] where a run of neighbouring questions begins among the options of all questions. */
  readonly places: Int32Array;
  /** [runs + 1] where its values begin. */
  readonly begins: Int32Array;
  /** Weight x probabilities, one row after another. */
  readonly values: Float64Array;
  /** Number of rows. */
  readonly rows: number;
}

function makeUnits({ table, groups }: MetricInput, offsets: Int32Array): Units {
  const codes = new Map<number, number>();
  const labels: number[] = [];
  const people: number[] = [];
  const alone = table.questions.map((): number[] => []);
  const unitOfRow = new Int32Array(table.rows).fill(-1);
  for (let row = 0; row < table.rows; row++) {
    const group = groups.codes[row]!;
    if (group < 0) continue;
    const participant = table.participant.codes[row]!;
    const key = participant * groups.names.length + group;
    let unit = participant < 0 ? undefined : codes.get(key);
    if (unit === undefined) {
      unit = labels.push(group) - 1;
      if (participant < 0) alone[table.question[row]!]!.push(unit);
      else {
        codes.set(key, unit);
        people.push(unit);
      }
    }
    unitOfRow[row] = unit;
  }
  const { rows, starts: firstRow } = clustersOf(unitOfRow, labels.length);
  const values = new Growing(Float64Array);
  const places = new Growing(Int32Array);
  const begins = new Growing(Int32Array);
  const starts = new Int32Array(labels.length + 1);
  for (let unit = 0; unit < labels.length; unit++) {
    const own = rows.subarray(firstRow[unit], firstRow[unit + 1]);
    own.sort((a, b) => table.question[a]! - table.question[b]!);
    let next = -1;
    for (const row of own) {
      const question = table.question[row]!;
      if (offsets[question] !== next) {
        places.push(offsets[question]!);
        begins.push(values.length);
      }
      next = offsets[question + 1]!;
      for (let i = table.offsets[row]!; i < table.offsets[row + 1]!; i++) {
        values.push(table.weight[row]! * table.probabilities[i]!);
      }
    }
    starts[unit + 1] = places.length;
  }
  begins.push(values.length);
  return {
    labels: Int32Array.from(labels),
    exchangeable: [people, ...alone].filter((list) => list.length > 1).map((list) => Int32Array.from(list)),
    starts,
    places: places.done(),
    begins: begins.done(),
    values: values.done(),
    rows: rows.length,
  };
}

function permuted({ labels, exchangeable }: Units, rng: Rng): Int32Array {
  const found = labels.slice();
  for (const units of exchangeable) {
    const shuffled = rng.shuffle(units.map((unit) => labels[unit]!));
    for (const [i, unit] of units.entries()) found[unit] = shuffled[i]!;
  }
  return found;
}

/** D(F_pred) as a function of the groups of units. */
class PredictedDispersion {
  private readonly units: Units;
  private readonly questions: PredictionTable["questions"];
  private readonly offsets: Int32Array;
  /** Sums by group, question and option. */
  private readonly sums: Float64Array;
  private readonly width: number;
  private readonly groups: number;

  /** @param offsets [questions + 1] where the options of each begin. */
  constructor({ table, groups }: MetricInput, units: Units, offsets: Int32Array) {
    this.units = units;
    this.questions = table.questions;
    this.offsets = offsets;
    this.width = offsets.at(-1)!;
    this.groups = groups.names.length;
    this.sums = new Float64Array(this.groups * this.width);
  }

  of(labels: Int32Array): number {
    this.addUp(labels);
    let dispersion = 0;
    for (const [q, { options: texts, ordered }] of this.questions.entries()) {
      const options = texts.length;
      const offset = this.offsets[q]!;
      const mean = new Float64Array(options);
      const p = new Float64Array(options);
      const total = this.addGroups(offset, mean);
      if (total === 0) continue;
      for (let k = 0; k < options; k++) mean[k]! /= total;
      let within = 0;
      for (let group = 0; group < this.groups; group++) {
        const at = group * this.width + offset;
        let weight = 0;
        for (let k = 0; k < options; k++) weight += this.sums[at + k]!;
        if (weight === 0) continue;
        for (let k = 0; k < options; k++) p[k] = this.sums[at + k]! / weight;
        within += weight * (ordered ? distance(p, mean) : entropy(p));
      }
      dispersion += ordered ? within / total : entropy(mean) - within / total;
    }
    return dispersion;
  }

  private addUp(labels: Int32Array): void {
    const { sums, width } = this;
    const { starts, places, begins, values } = this.units;
    sums.fill(0);
    for (let unit = 0; unit < labels.length; unit++) {
      const base = labels[unit]! * width;
      for (let run = starts[unit]!; run < starts[unit + 1]!; run++) {
        const end = begins[run + 1]!;
        for (let i = begins[run]!, at = base + places[run]!; i < end; i++, at++) sums[at]! += values[i]!;
      }
    }
  }

  private addGroups(offset: number, mean: Float64Array): number {
    let total = 0;
    for (let group = 0; group < this.groups; group++) {
      for (let k = 0; k < mean.length; k++) {
        const value = this.sums[group * this.width + offset + k]!;
        mean[k]! += value;
        total += value;
      }
    }
    return total;
  }
}

/** sum_{k<K} (F_k - G_k)^2 / (K - 1) of two distributions over ordered options, F and G their CDFs. */
function distance(p: Float64Array, q: Float64Array): number {
  let difference = 0;
  let sum = 0;
  for (let k = 0; k < p.length - 1; k++) {
    difference += p[k]! - q[k]!;
    sum += difference * difference;
  }
  return sum / (p.length - 1);
}
