import type { Rng } from "../src/util/index.ts";
import { clustersOf, type Clusters } from "./bootstrap.ts";
import { Growing } from "./growing.ts";
import { Kernel, LANES, type Terms } from "./kernel.ts";
import { ROUNDING } from "./metrics/dispersion.ts";
import { reasons, type MetricInput, type MetricResult } from "./metrics/metric.ts";
import type { PredictionTable } from "./predictions.ts";

/** Dispersions that differ by less, relatively, are the same one added up in another order. */
const TIE = 1e-9;

/** Most permutations that go through a block of predictions together, while it is in the processor's cache. */
const TOGETHER = 16;
/** Most numbers that their sums take up, unless one permutation's are more. */
const MOST_SUMS = 2 ** 23;

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
  const { groups } = input;
  const units = makeUnits(input);
  const n = units.rows.rows.length;
  const noGroup = groups.codes.length - n;
  const result = (value: number, more: Readonly<Record<string, number>> = {}): MetricResult => ({
    value,
    low: NaN,
    high: NaN,
    n,
    excluded: reasons({ [groups.missing]: noGroup, ...more }),
  });
  if (new Set(units.labels).size < 2) return result(NaN, { "fewer than two groups": n });
  const dispersion = new PredictedDispersion(input, units);
  const [found] = dispersion.of([units.labels]) as [number];
  if (found < ROUNDING) return result(1);
  let asLarge = 0;
  let same = 0;
  const { together } = dispersion;
  for (let from = 0; from < permutations; from += together) {
    const labels = Array.from({ length: Math.min(together, permutations - from) }, () => permuted(units, rng));
    for (const drawn of dispersion.of(labels)) {
      if (drawn >= found * (1 - TIE)) asLarge++;
      if (Math.abs(drawn - found) <= found * TIE) same++;
    }
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
  /** Rows by unit. */
  readonly rows: Clusters;
}

function makeUnits({ table, groups }: MetricInput): Units {
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
  return {
    labels: Int32Array.from(labels),
    exchangeable: [people, ...alone].filter((list) => list.length > 1).map((list) => Int32Array.from(list)),
    rows: clustersOf(unitOfRow, labels.length),
  };
}

function permuted({ labels, exchangeable }: Units, rng: Rng): Int32Array {
  const found = labels.slice();
  for (const units of exchangeable) {
    const shuffled = rng.shuffle(units.map((unit) => labels[unit]!));
    for (let i = 0; i < units.length; i++) found[units[i]!] = shuffled[i]!;
  }
  return found;
}

/** The LANES columns that are added up together; options of all questions are columns, one after another. */
interface Block {
  /** Units that have a row in it. */
  readonly units: Int32Array;
  /** Whether they are those of the block before. */
  readonly sameUnits: boolean;
  /** [units, LANES] weight x probabilities. */
  readonly values: Float64Array;
}

/** D(F_pred) as a function of the groups of units. */
class PredictedDispersion {
  /** Permutations that it can look at together. */
  readonly together: number;
  private readonly questions: PredictionTable["questions"];
  private readonly groups: number;
  private readonly kernel: Kernel;
  private readonly blocks: readonly Block[];
  /** Of each permutation: [columns, groups]. */
  private readonly sums: readonly Float64Array[];
  /** Of each permutation: the units of a block, by their place in it, group after group. */
  private readonly byGroup: readonly Terms[];

  constructor({ table, groups }: MetricInput, { rows }: Units) {
    this.questions = table.questions;
    this.groups = groups.names.length;
    const offsets = new Int32Array(table.questions.length + 1);
    for (const [q, { options }] of table.questions.entries()) offsets[q + 1] = offsets[q]! + options.length;
    const units = unitsOfBlocks(table, rows, offsets);
    const most = units.reduce((length, of) => Math.max(length, of.length), 0);
    const all = units.reduce((length, of) => length + of.length, 0);
    const width = LANES * units.length * this.groups;
    this.together = Math.max(1, Math.min(TOGETHER, Math.floor(MOST_SUMS / width)));
    const together = { length: this.together };
    this.kernel = new Kernel(LANES * all + this.together * width + most, this.together * (this.groups + 1 + most));
    this.blocks = units.map((of, b) => ({
      units: of,
      sameUnits: b > 0 && of.length === units[b - 1]!.length && of.every((unit, i) => unit === units[b - 1]![i]),
      values: this.kernel.floats(LANES * of.length),
    }));
    const ones = this.kernel.floats(most).fill(1);
    this.sums = Array.from(together, () => this.kernel.floats(width));
    this.byGroup = Array.from(together, () => ({
      size: this.groups,
      starts: this.kernel.ints(this.groups + 1),
      members: this.kernel.ints(most),
      values: ones,
    }));
    fillBlocks(table, rows, offsets, this.blocks);
  }

  /** @param permutations Up to `together` of them, the groups of units in each. */
  of(permutations: readonly Int32Array[]): number[] {
    const width = LANES * this.groups;
    for (const [b, { units, sameUnits, values }] of this.blocks.entries()) {
      for (const [i, labels] of permutations.entries()) {
        if (!sameUnits) this.sort(units, labels, this.byGroup[i]!);
        this.kernel.accumulate(this.byGroup[i]!, values, this.sums[i]!.subarray(b * width, (b + 1) * width));
      }
    }
    return permutations.map((_, i) => {
      let dispersion = 0;
      let column = 0;
      for (const { options: texts, ordered } of this.questions) {
        dispersion += this.ofQuestion(this.sums[i]!, column, texts.length, ordered);
        column += texts.length;
      }
      return dispersion;
    });
  }

  /** Puts the units of a block into the order of their groups. */
  private sort(units: Int32Array, labels: Int32Array, { starts, members }: Terms): void {
    const next = new Int32Array(this.groups);
    for (const unit of units) next[labels[unit]!]! += 1;
    for (let group = 0, at = 0; group < this.groups; group++) {
      starts[group] = at;
      at += next[group]!;
      next[group] = starts[group]!;
    }
    starts[this.groups] = units.length;
    for (let i = 0; i < units.length; i++) members[next[labels[units[i]!]!]!++] = i;
  }

  private ofQuestion(sums: Float64Array, column: number, options: number, ordered: boolean): number {
    const { groups } = this;
    const at = (group: number, k: number): number => sums[(column + k) * groups + group]!;
    const mean = new Float64Array(options);
    const p = new Float64Array(options);
    let total = 0;
    for (let group = 0; group < groups; group++) {
      for (let k = 0; k < options; k++) {
        mean[k]! += at(group, k);
        total += at(group, k);
      }
    }
    if (total === 0) return 0;
    for (let k = 0; k < options; k++) mean[k]! /= total;
    let dispersion = 0;
    for (let group = 0; group < groups; group++) {
      let weight = 0;
      for (let k = 0; k < options; k++) weight += at(group, k);
      if (weight === 0) continue;
      for (let k = 0; k < options; k++) p[k] = at(group, k) / weight;
      dispersion += (weight / total) * (ordered ? distance(p, mean) : nominalDistance(p, mean));
    }
    return dispersion;
  }
}

/** By block, the units that have a row in it, ascending. */
function unitsOfBlocks({ question }: PredictionTable, rows: Clusters, offsets: Int32Array): Int32Array[] {
  const found = Array.from({ length: Math.ceil(offsets.at(-1)! / LANES) }, () => new Growing(Int32Array));
  for (let unit = 0; unit < rows.count; unit++) {
    for (let i = rows.starts[unit]!; i < rows.starts[unit + 1]!; i++) {
      const q = question[rows.rows[i]!]!;
      for (let b = Math.floor(offsets[q]! / LANES); b * LANES < offsets[q + 1]!; b++) {
        const units = found[b]!;
        if (units.length === 0 || units.last() !== unit) units.push(unit);
      }
    }
  }
  return found.map((units) => units.done());
}

function fillBlocks(table: PredictionTable, rows: Clusters, offsets: Int32Array, blocks: readonly Block[]): void {
  const places = new Int32Array(blocks.length);
  for (let unit = 0; unit < rows.count; unit++) {
    for (let i = rows.starts[unit]!; i < rows.starts[unit + 1]!; i++) {
      const row = rows.rows[i]!;
      let column = offsets[table.question[row]!]!;
      for (let k = table.offsets[row]!; k < table.offsets[row + 1]!; k++, column++) {
        const b = Math.floor(column / LANES);
        const { units, values } = blocks[b]!;
        if (units[places[b]!] !== unit) places[b]! += 1;
        values[LANES * places[b]! + (column % LANES)]! += table.weight[row]! * table.probabilities[k]!;
      }
    }
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

/** sum_k (p_k - q_k)^2 / 2 */
function nominalDistance(p: Float64Array, q: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < p.length; k++) sum += (p[k]! - q[k]!) ** 2;
  return sum / 2;
}
