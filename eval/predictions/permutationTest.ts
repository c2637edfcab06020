import type { Rng } from "../../src/core/util/index.ts";
import { clustersOf, type Clusters } from "../../src/core/stats/index.ts";
import { ROUNDING } from "../metrics/dispersion.ts";
import type { MetricInput } from "../metrics/metric.ts";
import { reasons, type MetricResult } from "../metrics/result.ts";
import { PredictedDispersion } from "./predictedDispersion.ts";

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
  const dispersion = new PredictedDispersion(input, units.rows);
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
