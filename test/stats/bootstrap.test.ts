import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  bootstrapP,
  centredInterval,
  clustersOf,
  gather,
  resample,
  totals,
  type Statistics,
} from "../../src/core/stats/index.ts";
import { evaluate } from "../../eval/predictions/evaluate.ts";
import { Kernel, LANES } from "../../src/core/stats/kernel.ts";
import type { PredictionRow } from "../../eval/predictions/predictionTable.ts";
import { Rng } from "../../src/core/util/index.ts";
import { goldenJson } from "../support/golden.ts";
import { tableOf } from "../eval/support.ts";

const golden = goldenJson("metrics.json") as {
  intervals: { value: number; values: (number | null)[]; level: number; low: number; high: number; p: number }[];
};
const ANY = [-Infinity, Infinity] as const;

describe("centredInterval and bootstrapP", () => {
  const numbers = (values: readonly (number | null)[]): Float64Array =>
    Float64Array.from(values, (value) => value ?? NaN);

  test.each(golden.intervals)("equal what numpy's quantiles give of the values that are not NaN, case %#", (c) => {
    const found = centredInterval(c.value, numbers(c.values), c.level, ANY);
    expect(found.low).toBeCloseTo(c.low, 12);
    expect(found.high).toBeCloseTo(c.high, 12);
    expect(bootstrapP(c.value, numbers(c.values))).toBeCloseTo(c.p, 12);
  });

  test("are NaN without values, or of an undefined value", () => {
    const none = { low: NaN, high: NaN };
    for (const values of [[], [null, null]]) {
      expect(centredInterval(1, numbers(values), 0.95, ANY)).toEqual(none);
      expect(bootstrapP(1, numbers(values))).toBeNaN();
    }
    expect(centredInterval(NaN, numbers([1, 2]), 0.95, ANY)).toEqual(none);
    expect(bootstrapP(NaN, numbers([1, 2]))).toBeNaN();
  });

  test("the interval holds the value wherever the resampled values lie, and stays in the range as long as that does", () => {
    const resampled = numbers([0.7, 0.72, 0.75, 0.8]);
    const { low, high } = centredInterval(0.3, resampled, 0.9, ANY);
    expect([low, high].map((x) => Number(x.toFixed(4)))).toEqual([0.268, 0.3575]);
    expect(centredInterval(0.01, resampled, 0.9, [0, 1]).low).toBe(0);
    expect(centredInterval(0.99, resampled, 0.9, [0, 1]).high).toBe(1);
    expect(centredInterval(1.2, resampled, 0.9, [0, 1]).high).toBe(1.2);
  });

  test("the interval is as wide as the quantiles are apart, wider for a higher level, and leaves the values as they are", () => {
    const values = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 40 });
    const level = fc.double({ min: 0.01, max: 0.99, noNaN: true });
    fc.assert(
      fc.property(values, fc.double({ min: -1e6, max: 1e6, noNaN: true }), level, level, (list, value, a, b) => {
        const given = Float64Array.from(list);
        const [narrow, wide] = [a, b].sort((x, y) => x - y).map((of) => centredInterval(value, given, of, ANY));
        expect([...given]).toEqual(list);
        const ascending = [wide!.low, narrow!.low, value, narrow!.high, wide!.high];
        for (const [i, next] of ascending.slice(1).entries()) expect(next).toBeGreaterThanOrEqual(ascending[i]! - 1e-9);
        expect(wide!.high - wide!.low).toBeLessThanOrEqual(Math.max(...list) - Math.min(...list) + 1e-9);
      }),
    );
  });
});

/** `rows` rows in clusters, each of which adds 1 to the cell of its cluster. */
function oneCellEach(clusterOfRow: readonly number[], count: number): Statistics {
  return gather(clustersOf(Int32Array.from(clusterOfRow), count), count, (row, add) => add(clusterOfRow[row]!, 1));
}

describe("clusters and sums", () => {
  const assignment = fc
    .integer({ min: 1, max: 8 })
    .chain((count) =>
      fc.record({ count: fc.constant(count), of: fc.array(fc.nat({ max: count - 1 }), { maxLength: 60 }) }),
    );

  test("every row stands in its cluster, in order", () => {
    fc.assert(
      fc.property(assignment, ({ count, of }) => {
        const clusters = clustersOf(Int32Array.from(of), count);
        expect(clusters.count).toBe(count);
        for (let c = 0; c < count; c++) {
          const rows = [...clusters.rows.subarray(clusters.starts[c], clusters.starts[c + 1])];
          expect(rows).toEqual([...of.keys()].filter((row) => of[row] === c));
        }
      }),
    );
  });

  test("totals are the sums over all rows, whatever the clusters", () => {
    fc.assert(
      fc.property(assignment, fc.integer(), ({ count, of }, seed) => {
        const rng = new Rng(seed);
        const adds = of.map(() =>
          Array.from({ length: rng.below(4) }, () => ({ cell: rng.below(5), value: rng.below(5) - 2 })),
        );
        const statistics = gather(clustersOf(Int32Array.from(of), count), 5, (row, add) => {
          for (const { cell, value } of adds[row]!) add(cell, value);
        });
        const sums = [0, 0, 0, 0, 0];
        for (const { cell, value } of adds.flat()) sums[cell]! += value;
        expect([...totals(statistics)]).toEqual(sums);
      }),
    );
  });
});

test("the kernel's sums are those of a plain loop, bit by bit, for several statistics in one memory", () => {
  const rng = new Rng(6);
  const clusters = 37;
  const statistics = [0, 1, 90].map((size) => {
    const rows = Array.from({ length: 200 }, () => rng.below(clusters));
    return gather(clustersOf(Int32Array.from(rows), clusters), size, (_, add) => {
      // The last cell stays empty.
      for (let i = 0; i < 3 && size > 1; i++) add(rng.below(size - 1), rng.normal());
      if (size === 1) add(0, rng.uniform());
    });
  });
  const total = (count: (of: Statistics) => number): number => statistics.reduce((sum, of) => sum + count(of), 0);
  const kernel = new Kernel("resamples", {
    floats: LANES * clusters + total(({ values, size }) => values.length + LANES * size),
    ints: total(({ members, size }) => members.length + size + 1),
  });
  const counts = kernel.floats(LANES * clusters);
  const places = statistics.map((of) => ({ of, terms: kernel.copy(of), sums: kernel.floats(LANES * of.size) }));
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < counts.length; i++) counts[i] = rng.below(4);
    for (const { of, terms, sums } of places) {
      kernel.accumulate(terms, counts, sums);
      for (let lane = 0; lane < LANES; lane++) {
        const expected = new Float64Array(of.size);
        for (let cell = 0; cell < of.size; cell++) {
          for (let i = of.starts[cell]!; i < of.starts[cell + 1]!; i++) {
            expected[cell]! += counts[of.members[i]! * LANES + lane]! * of.values[i]!;
          }
        }
        expect([...sums.subarray(lane * of.size, (lane + 1) * of.size)]).toEqual([...expected]);
      }
    }
  }
});

describe("resample", () => {
  const copy = (sums: Float64Array, into: number[][]): number => into.push([...sums]);

  test("draws whole clusters, as many as there are, with replacement", () => {
    // Cluster c has c + 1 rows: a resample that holds it k times has k (c + 1) in its cell.
    const of = [0, 1, 1, 2, 2, 2, 3, 3, 3, 3];
    const drawn: number[][] = [];
    resample([{ statistics: oneCellEach(of, 4), compute: (sums) => copy(sums, drawn) }], 300, () => new Rng(1));
    const times = drawn.map((sums) => sums.map((sum, c) => sum / (c + 1)));
    expect(times.length).toBe(300);
    for (const counts of times) {
      expect(counts.every((count) => Number.isInteger(count))).toBe(true);
      expect(counts.reduce((a, b) => a + b, 0)).toBe(4);
    }
    // Each cluster is drawn Binomial(4, 1/4) times: 0 in 0.316, twice or more in 0.262 of resamples.
    for (let c = 0; c < 4; c++) {
      const share = (holds: (count: number) => boolean): number =>
        times.filter((counts) => holds(counts[c]!)).length / times.length;
      expect(Math.abs(share((count) => count === 0) - 0.316)).toBeLessThan(0.1);
      expect(Math.abs(share((count) => count >= 2) - 0.262)).toBeLessThan(0.1);
    }
  });

  test("equal seeds give equal values, others do not, and fewer resamples are the first of more", () => {
    const statistics = oneCellEach(
      Array.from({ length: 50 }, (_, i) => i),
      50,
    );
    const draw = (resamples: number, seed = 7): number[] => {
      const weigh = (sums: Float64Array): number => sums.reduce((total, sum, c) => total + Math.sqrt(c) * sum, 0);
      return [...resample([{ statistics, compute: weigh }], resamples, () => new Rng(seed))[0]!];
    };
    const long = draw(40);
    expect(new Set(long).size).toBe(40);
    for (const fewer of [0, 1, 7, 8, 9, 16, 39]) expect(draw(fewer)).toEqual(long.slice(0, fewer));
    expect(draw(40, 8)).not.toEqual(long);
  });

  test("all see the same draws where there are as many clusters, in numbered resamples", () => {
    const weigh = (factor: number) => (sums: Float64Array) => factor * (sums[0]! + 10 * sums[3]!);
    const one = oneCellEach([0, 1, 2, 3, 4], 5);
    const numbers: number[] = [];
    const [a, b, c, other, none] = resample(
      [
        { statistics: one, compute: weigh(1) },
        { statistics: one, compute: weigh(2) },
        { statistics: oneCellEach([0, 1, 1, 2, 2, 3, 3, 4], 5), compute: weigh(3) },
        { statistics: oneCellEach([0, 1, 2, 3, 4, 5], 6), compute: (_, draw) => numbers.push(draw) },
        { statistics: oneCellEach([], 0), compute: () => 1 },
      ],
      25,
      () => new Rng(2),
    );
    expect([...b!]).toEqual([...a!].map((value) => 2 * value));
    // Cell 3 has two rows of its cluster here.
    expect(c!.filter((value) => value % 3 === 0).length).toBe(25);
    expect(new Set(a).size).toBeGreaterThan(5);
    expect(numbers).toEqual([...Array(25).keys()]);
    expect(other!.length).toBe(25);
    expect([...none!]).toEqual(Array(25).fill(NaN));
  });

  test("the spread of resampled means is that of the mean: s / sqrt(n)", () => {
    const rng = new Rng(3);
    const values = Array.from({ length: 100 }, () => rng.normal());
    const statistics = gather(clustersOf(Int32Array.from(values.keys()), 100), 1, (row, add) => add(0, values[row]!));
    const means = resample([{ statistics, compute: (sums) => sums[0]! / 100 }], 4000, () => new Rng(4))[0]!;
    const [centre, deviation] = moments(values);
    const [found, spread] = moments([...means]);
    expect(Math.abs(found - centre)).toBeLessThan(0.01);
    expect(spread / (deviation / 10)).toBeGreaterThan(0.95);
    expect(spread / (deviation / 10)).toBeLessThan(1.05);
  });
});

function moments(values: readonly number[]): [mean: number, deviation: number] {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return [mean, Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length)];
}

/** Answers of `people` to 10 questions each; a person is met always or never, each with probability 1/2. */
function allOrNothing(people: number, seed: number, known: boolean): Partial<PredictionRow>[] {
  const rng = new Rng(seed, "people");
  return Array.from({ length: people }, (_, p) => {
    const answer = rng.below(2);
    return Array.from({ length: 10 }, (_, q) => ({
      questionId: `Q${q}`,
      participantId: known ? `p${p}` : null,
      answer,
      probabilities: [0, 1],
    }));
  }).flat();
}

describe("intervals of evaluate", () => {
  /** How many of 200 intervals contain the true accuracy, 1/2. */
  function covered(known: boolean): number {
    let count = 0;
    for (let seed = 0; seed < 200; seed++) {
      const table = tableOf(allOrNothing(40, seed, known));
      const { low, high } = evaluate(table, {
        metrics: ["accuracy"],
        resamples: 200,
        seed,
        cluster: "participant",
      }).accuracy;
      if (low <= 0.5 && high >= 0.5) count++;
    }
    return count;
  }

  test("cover the truth about as often as they say where people answer alike all along", () => {
    // 190 expected; the percentile interval of 40 people is a little short, and 200 trials have a deviation of 3.
    const count = covered(true);
    expect(count).toBeGreaterThanOrEqual(178);
    expect(count).toBeLessThanOrEqual(198);
  });

  test("do not where rows do not say who answered: then each row is drawn alone", () => {
    // 10 equal answers count as 10 people: intervals are short by a factor of sqrt(10), and cover 1/2 in 46 of 100.
    expect(covered(false)).toBeLessThan(130);
  });

  test("known case: 40 people, half of them met", () => {
    const rows = allOrNothing(40, 0, true).map((row, i) => ({ ...row, answer: Math.floor(i / 10) % 2 }));
    const width = (changes: object, options: object = {}): number => {
      const table = tableOf(rows.map((row) => ({ ...row, ...changes })));
      const { value, low, high } = evaluate(table, { metrics: ["accuracy"], resamples: 4000, ...options }).accuracy;
      expect(value).toBe(0.5);
      expect((low + high) / 2).toBeCloseTo(0.5, 1);
      return high - low;
    };
    // 2 x 1.96 x sqrt(1/4 / n): 0.310 for 40 people, 0.098 for 400 rows.
    expect(Math.abs(width({}) - 0.31)).toBeLessThan(0.03);
    const rowsAlone = width({ participantId: null }, { cluster: "participant" });
    expect(Math.abs(rowsAlone - 0.098)).toBeLessThan(0.01);
    // Every question is met in half of the people: questions drawn whole do not vary.
    expect(width({}, { cluster: "question" })).toBe(0);
    expect(width({ participantId: null })).toBe(0);
  });

  const rows = allOrNothing(30, 5, true).map((row, i) => {
    const p = ((i * 37) % 100) / 100;
    return { ...row, probabilities: [p, 1 - p] };
  });

  test("equal seeds give equal numbers for every metric, others do not", () => {
    const found = evaluate(tableOf(rows), { resamples: 40, seed: 1 });
    expect(evaluate(tableOf(rows), { resamples: 40, seed: 1 })).toEqual(found);
    const other = evaluate(tableOf(rows), { resamples: 40, seed: 2 });
    expect(other.nll.value).toBe(found.nll.value);
    expect(other.nll.low).not.toBe(found.nll.low);
  });

  test("a lower level gives a shorter interval", () => {
    const width = (level: number): number => {
      const { low, high } = evaluate(tableOf(rows), { metrics: ["nll"], resamples: 200, level }).nll;
      return high - low;
    };
    expect(width(0.5)).toBeLessThan(0.6 * width(0.95));
  });

  test("no resamples, no interval", () => {
    expect(evaluate(tableOf(rows), { metrics: ["nll"], resamples: 0 }).nll).toMatchObject({ low: NaN, high: NaN });
  });

  test("resamples in which a metric is undefined are counted and left out of its interval", () => {
    // Only one of five people has an answer: a resample misses that person with probability (4/5)^5 = 0.33.
    const few = Array.from({ length: 5 }, (_, p) => ({ participantId: `p${p}`, answer: p === 0 ? 1 : null }));
    const { value, low, high, excluded } = evaluate(tableOf(few), { metrics: ["accuracy"], resamples: 600 }).accuracy;
    expect([value, low, high]).toEqual([1, 1, 1]);
    expect(excluded["no answer"]).toBe(4);
    expect(Math.abs(excluded["resamples in which it is undefined"]! / 600 - 0.328)).toBeLessThan(0.06);
  });

  test("refuses impossible numbers and unknown names", () => {
    const of = (options: object) => () => evaluate(tableOf(rows), options);
    expect(of({ resamples: 1.5 })).toThrow("resamples: expected a whole number, 0 or more, found 1.5");
    expect(of({ resamples: -1 })).toThrow("resamples");
    expect(of({ permutations: -1 })).toThrow("permutations: expected a whole number, 0 or more, found -1");
    expect(of({ level: 0 })).toThrow("level: expected a number between 0 and 1, found 0");
    expect(of({ level: 1 })).toThrow("level");
    expect(of({ metrics: ["acuracy"] })).toThrow('unknown metric "acuracy"');
    expect(of({ by: ["age"] })).toThrow('unknown attribute "age"; expected one of country');
  });
});
