import { largest } from "../../src/core/util/index.ts";
import type { Clusters } from "../../src/core/stats/index.ts";
import { Kernel, LANES, type Terms } from "../../src/core/stats/kernel.ts";
import type { MetricInput } from "../metrics/metric.ts";
import type { PredictionTable, Question } from "./predictionTable.ts";

/** Most permutations that go through a block of predictions together, while it is in the processor's cache. */
const TOGETHER = 16;
/** Most numbers that their sums take up, unless one permutation's are more. */
const MOST_SUMS = 2 ** 23;

/** The LANES columns that are added up together; options of all questions are columns, one after another. */
interface Block {
  /** Units that have a row in it. */
  readonly units: Int32Array;
  /** Whether they are those of the block before. */
  readonly sameUnits: boolean;
  /** [units, LANES] weight x probabilities. */
  readonly values: Float64Array;
  /** Where its groups begin among those of a permutation; there is room for as many as its units can have. */
  readonly place: number;
}

/** Where a question's options stand. */
interface Columns {
  readonly first: number;
  readonly options: number;
  readonly ordered: boolean;
  /** Its block of fewest units: every group with a row of the question has a unit there. */
  readonly block: number;
}

/** What one permutation's sums are. */
interface Sums {
  /** By block, from LANES x its place on: [LANES, groups of the block]. */
  readonly values: Float64Array;
  /** By block, from its place on: the groups that have a unit in it, ascending. */
  readonly groups: Int32Array;
  /** [blocks] number of those groups. */
  readonly sizes: Int32Array;
  /** The units of the block at hand, by their place in it, group after group. */
  readonly starts: Int32Array;
  readonly members: Int32Array;
}

/**
 * D(F_pred) as a function of the groups of units (see `prepareDispersion`). Sums are kept for the groups that have a unit
 * in a block, not for all there are: time and memory grow with rows, not with groups times questions.
 */
export class PredictedDispersion {
  /** Permutations that it can look at together. */
  readonly together: number;
  private readonly kernel: Kernel;
  private readonly blocks: readonly Block[];
  private readonly questions: readonly Columns[];
  private readonly ones: Float64Array;
  /** By permutation that is looked at. */
  private readonly sums: readonly Sums[];
  /** [groups] zeros between uses. */
  private readonly counts: Int32Array;
  /** [groups of a question, options] its sums. */
  private readonly shares: Float64Array;
  private readonly mean: Float64Array;

  /** @param rows Rows by unit. */
  constructor({ table, groups: { names } }: MetricInput, rows: Clusters) {
    const offsets = new Int32Array(table.questions.length + 1);
    for (const [q, { options }] of table.questions.entries()) offsets[q + 1] = offsets[q]! + options.length;
    const units = unitsOfBlocks(table, rows, offsets);
    const room = units.map(({ length }) => Math.min(length, names.length));
    const most = largest(units.map(({ length }) => length));
    const all = units.reduce((length, of) => length + of.length, 0);
    const width = room.reduce((sum, groups) => sum + groups, 0);
    this.together = Math.max(1, Math.min(TOGETHER, Math.floor(MOST_SUMS / (LANES * width))));
    this.kernel = new Kernel("permutations", {
      floats: LANES * (all + this.together * width) + most,
      ints: this.together * (largest(room) + 1 + most),
    });
    let place = 0;
    this.blocks = units.map((of, b) => {
      const block = {
        units: of,
        sameUnits: b > 0 && of.length === units[b - 1]!.length && of.every((unit, i) => unit === units[b - 1]![i]),
        values: this.kernel.floats(LANES * of.length),
        place,
      };
      place += room[b]!;
      return block;
    });
    this.ones = this.kernel.floats(most).fill(1);
    this.sums = Array.from({ length: this.together }, () => ({
      values: this.kernel.floats(LANES * width),
      groups: new Int32Array(width),
      sizes: new Int32Array(units.length),
      starts: this.kernel.ints(largest(room) + 1),
      members: this.kernel.ints(most),
    }));
    this.counts = new Int32Array(names.length);
    this.questions = table.questions.map((question, q) => columnsOf(question, offsets[q]!, units));
    this.shares = new Float64Array(largest(this.questions.map(({ block, options }) => room[block]! * options)));
    this.mean = new Float64Array(largest(this.questions.map(({ options }) => options)));
    fillBlocks(table, rows, offsets, this.blocks);
  }

  /** @param permutations Up to `together` of them, the groups of units in each. */
  of(permutations: readonly Int32Array[]): number[] {
    for (const b of this.blocks.keys()) {
      for (const [i, labels] of permutations.entries()) this.addUp(b, labels, this.sums[i]!);
    }
    return permutations.map((_, i) =>
      this.questions.reduce((dispersion, question) => dispersion + this.ofQuestion(question, this.sums[i]!), 0),
    );
  }

  private addUp(b: number, labels: Int32Array, sums: Sums): void {
    const { sameUnits, values, place } = this.blocks[b]!;
    if (sameUnits) {
      const before = this.blocks[b - 1]!.place;
      sums.sizes[b] = sums.sizes[b - 1]!;
      sums.groups.copyWithin(place, before, before + sums.sizes[b]);
    } else this.sort(b, labels, sums);
    const size = sums.sizes[b]!;
    const terms: Terms = { size, starts: sums.starts, members: sums.members, values: this.ones };
    this.kernel.accumulate(terms, values, sums.values.subarray(LANES * place, LANES * (place + size)));
  }

  /** Puts the units of a block into the order of their groups. */
  private sort(b: number, labels: Int32Array, { groups, sizes, starts, members }: Sums): void {
    const { units, place } = this.blocks[b]!;
    const { counts } = this;
    let end = place;
    for (const unit of units) {
      const group = labels[unit]!;
      if (counts[group]! === 0) groups[end++] = group;
      counts[group]! += 1;
    }
    groups.subarray(place, end).sort();
    sizes[b] = end - place;
    let at = 0;
    for (let i = 0; i < end - place; i++) {
      const group = groups[place + i]!;
      starts[i] = at;
      at += counts[group]!;
      counts[group] = starts[i]!;
    }
    starts[end - place] = at;
    for (let i = 0; i < units.length; i++) members[counts[labels[units[i]!]!]!++] = i;
    for (let i = place; i < end; i++) counts[groups[i]!] = 0;
  }

  private ofQuestion(question: Columns, sums: Sums): number {
    const { options, ordered } = question;
    const groups = this.collect(question, sums);
    const { shares } = this;
    const mean = this.mean.fill(0, 0, options);
    let total = 0;
    for (let g = 0; g < groups; g++) {
      for (let k = 0; k < options; k++) {
        mean[k]! += shares[g * options + k]!;
        total += shares[g * options + k]!;
      }
    }
    if (total === 0) return 0;
    for (let k = 0; k < options; k++) mean[k]! /= total;
    let dispersion = 0;
    for (let g = 0; g < groups; g++) {
      const from = g * options;
      let weight = 0;
      for (let k = 0; k < options; k++) weight += shares[from + k]!;
      if (weight === 0) continue;
      for (let k = 0; k < options; k++) shares[from + k]! /= weight;
      const apart = ordered ? distance(shares, from, mean, options) : nominalDistance(shares, from, mean, options);
      dispersion += (weight / total) * apart;
    }
    return dispersion;
  }

  /** Puts a question's sums from the blocks that hold them into `shares`. @returns The number of groups. */
  private collect({ first, options, block }: Columns, { values, groups, sizes }: Sums): number {
    const { shares } = this;
    const { place: fewest } = this.blocks[block]!;
    const size = sizes[block]!;
    for (let b = Math.floor(first / LANES); b * LANES < first + options; b++) {
      const { place } = this.blocks[b]!;
      const end = place + sizes[b]!;
      const from = Math.max(0, b * LANES - first);
      const to = Math.min(options, (b + 1) * LANES - first);
      for (let g = 0, i = place; g < size; g++) {
        while (i < end && groups[i]! < groups[fewest + g]!) i++;
        const found = i < end && groups[i] === groups[fewest + g];
        for (let k = from; k < to; k++) {
          const lane = first + k - b * LANES;
          shares[g * options + k] = found ? values[LANES * place + lane * sizes[b]! + i - place]! : 0;
        }
      }
    }
    return size;
  }
}

function columnsOf({ options, ordered }: Question, first: number, units: readonly Int32Array[]): Columns {
  let block = Math.floor(first / LANES);
  for (let b = block + 1; b * LANES < first + options.length; b++) {
    if (units[b]!.length < units[block]!.length) block = b;
  }
  return { first, options: options.length, ordered, block };
}

/** By block, the units that have a row in it, ascending. */
function unitsOfBlocks({ question }: PredictionTable, rows: Clusters, offsets: Int32Array): Int32Array[] {
  const blocks = Math.ceil(offsets.at(-1)! / LANES);
  const visit = (each: (block: number, unit: number) => void): void => {
    const last = new Int32Array(blocks).fill(-1);
    for (let unit = 0; unit < rows.count; unit++) {
      for (let i = rows.starts[unit]!; i < rows.starts[unit + 1]!; i++) {
        const q = question[rows.rows[i]!]!;
        for (let b = Math.floor(offsets[q]! / LANES); b * LANES < offsets[q + 1]!; b++) {
          if (last[b] !== unit) each(b, (last[b] = unit));
        }
      }
    }
  };
  const starts = new Int32Array(blocks + 1);
  visit((block) => starts[block + 1]!++);
  for (let b = 0; b < blocks; b++) starts[b + 1]! += starts[b]!;
  const next = starts.slice(0, blocks);
  const units = new Int32Array(starts[blocks]!);
  visit((block, unit) => (units[next[block]!++] = unit));
  return Array.from(next, (_, b) => units.subarray(starts[b], starts[b + 1]));
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

/**
 * sum_{k<K} (F_k - G_k)^2 / (K - 1) of two distributions over K ordered options, F and G their CDFs.
 * @param from Where the first one begins in `p`.
 */
function distance(p: Float64Array, from: number, q: Float64Array, options: number): number {
  let difference = 0;
  let sum = 0;
  for (let k = 0; k < options - 1; k++) {
    difference += p[from + k]! - q[k]!;
    sum += difference * difference;
  }
  return sum / (options - 1);
}

/** sum_k (p_k - q_k)^2 / 2, as `distance`. */
function nominalDistance(p: Float64Array, from: number, q: Float64Array, options: number): number {
  let sum = 0;
  for (let k = 0; k < options; k++) sum += (p[from + k]! - q[k]!) ** 2;
  return sum / 2;
}
