import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { summariseRouting } from "../../router/monitor.ts";
import type { RouterStep } from "../../router/observed.ts";
import {
  BatchSchedule,
  choosePlan,
  estimateMemory,
  largestBatch,
  learningRate,
  ScheduledFeed,
} from "../../src/core/train/index.ts";
import { randomAdapter, randomWeights, tinyConfig } from "../support/tinyModel.ts";

describe("batches", () => {
  const sizes = {
    examples: fc.integer({ min: 1, max: 400 }),
    batchSize: fc.integer({ min: 1, max: 9 }),
    seed: fc.nat(),
  };
  const length = (i: number): number => (i * 7919) % 97;
  const indices = (length: number) => ({ length, at: (i: number) => i });
  const epoch = (schedule: BatchSchedule<number>, number: number): number[][] =>
    Array.from({ length: schedule.batchesPerEpoch }, (_, i) => [...schedule.at(number * schedule.batchesPerEpoch + i)]);

  test("every epoch has every example once, in full batches but one", () => {
    fc.assert(
      fc.property(fc.record(sizes), fc.nat({ max: 3 }), ({ examples, batchSize, seed }, number) => {
        const batches = epoch(new BatchSchedule(indices(examples), batchSize, seed, length), number);
        expect(batches.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: examples }, (_, i) => i));
        expect(batches.filter((batch) => batch.length < batchSize).length).toBeLessThanOrEqual(1);
      }),
    );
  });

  test("every example of an epoch is made once, however many a window has", async () => {
    const made: number[] = [];
    const source = { length: 10_000, at: (i: number) => (made.push(i), i) };
    const size = (i: number) => ({ tokens: length(i), labels: 1 });
    const settings = { batchSize: 100, accumulate: 3, epochs: 2, maxSteps: null, seed: 1 };
    const feed = new ScheduledFeed(source, { size }, settings);
    // To know the sizes of batches before the run costs nothing in it.
    largestBatch(feed.first, { size });
    const seen: number[] = [];
    for (let step = 1; step <= feed.stepsPerEpoch; step++) seen.push(...(await feed.batches(step)).flat());
    expect(made).toHaveLength(10_000);
    expect(new Set(seen).size).toBe(10_000);
    expect([...feed.examples()].slice(0, 10_000)).toEqual(seen);
  });

  test("the largest batch has the most of its batches, whatever the first example has", () => {
    const size = (labels: number) => ({ tokens: 10 * labels, labels });
    expect(largestBatch([[1, 1, 1], [2, 5], [4]], { size })).toEqual({ B: 3, T: 50, R: 7 });
  });

  test("a batch depends on its number only, whatever was asked before", () => {
    fc.assert(
      fc.property(fc.record(sizes), fc.array(fc.nat({ max: 900 }), { maxLength: 5 }), (of, numbers) => {
        const used = new BatchSchedule(indices(of.examples), of.batchSize, of.seed, length);
        for (const number of numbers) used.at(number);
        for (const number of numbers) {
          const fresh = new BatchSchedule(indices(of.examples), of.batchSize, of.seed, length);
          expect(used.at(number)).toEqual(fresh.at(number));
        }
      }),
    );
  });

  test("every epoch mixes other examples with each other", () => {
    const schedule = new BatchSchedule(indices(1500), 10, 1, length);
    const together = (number: number): number[] =>
      epoch(schedule, number)
        .slice(0, 64)
        .flat()
        .sort((a, b) => a - b);
    expect(together(0)).not.toEqual(together(1));
  });

  test("epochs and seeds differ, and a batch holds examples of similar length", () => {
    const schedule = new BatchSchedule(indices(640), 10, 1, length);
    expect(epoch(schedule, 0)).not.toEqual(epoch(schedule, 1));
    expect(epoch(schedule, 0)).not.toEqual(epoch(new BatchSchedule(indices(640), 10, 2, length), 0));
    const spread = (batch: readonly number[]): number =>
      Math.max(...batch.map(length)) - Math.min(...batch.map(length));
    expect(Math.max(...epoch(schedule, 0).map(spread))).toBeLessThan(10);
  });
});

describe("learning rate", () => {
  test.each([
    ["constant", 0, 1, 10, 1],
    ["constant", 4, 1, 10, 0.25],
    ["constant", 4, 4, 10, 1],
    ["linear", 0, 1, 10, 1],
    ["linear", 0, 10, 10, 0.1],
    ["linear", 2, 6, 10, 1 - 3 / 8],
    ["cosine", 0, 6, 10, 0.5],
    ["cosine", 2, 7, 10, 0.5],
  ] as const)("%s with %d steps of warm-up, step %d of %d: %d", (schedule, warmup, step, steps, share) => {
    expect(learningRate(2, schedule, warmup, step, steps)).toBeCloseTo(2 * share, 12);
  });
});

describe("routing", () => {
  const router = (rowGates: number[][], load: number[]): RouterStep => ({
    load,
    rowGates,
    gateMax: 0.6,
  });

  test("people who are routed apart have distance 1, alike 0", () => {
    const apart = [
      [1, 0],
      [0, 1],
    ];
    expect(summariseRouting([router(apart, [0.5, 0.5])], [0, 1])).toEqual({
      expertLoad: [0.5, 0.5],
      effectiveExperts: 2,
      gateMax: 0.6,
      profileDistance: 1,
    });
    const alike = [
      [0.3, 0.7],
      [0.3, 0.7],
    ];
    expect(summariseRouting([router(alike, [1, 0])], [0, 1])).toMatchObject({
      effectiveExperts: 1,
      profileDistance: 0,
    });
  });

  test("what gates add up to does not matter", () => {
    const distance = (size: number): number | null => {
      const rows = [
        [0.2 * size, 0.8 * size],
        [0.6, 0.4],
      ];
      return summariseRouting([router(rows, [0.5, 0.5])], [0, 1]).profileDistance;
    };
    expect(distance(0.5)).toBeCloseTo(distance(1)!, 12);
  });

  test("one person alone has no distance", () => {
    const rows = [
      [1, 0],
      [0, 1],
    ];
    expect(summariseRouting([router(rows, [1, 0])], [3, 3]).profileDistance).toBeNull();
  });
});

describe("the plan that is chosen", () => {
  const { adapter, parameters } = randomAdapter("cuma", {}, tinyConfig, 4, 1);
  const model = {
    config: tinyConfig,
    weights: randomWeights(tinyConfig, 1),
    adapter,
    parameters,
    projection: undefined,
  };
  const sizes = { B: 64, T: 500, R: 64 };
  const needs = { sizes, accelerator: false, availableBytes: Infinity };

  test("keeps activations where there is memory, and computes them again where there is not", () => {
    const layerwise = estimateMemory("layerwise", model, needs);
    const recompute = estimateMemory("recompute", model, needs);
    expect(layerwise).toBeGreaterThan(recompute);
    expect(choosePlan(model, { ...needs, availableBytes: layerwise })).toBe("layerwise");
    expect(choosePlan(model, { ...needs, availableBytes: layerwise - 1 })).toBe("recompute");
  });

  test("is one graph on an accelerator, and for parameters outside of the layers", () => {
    expect(choosePlan(model, { ...needs, accelerator: true })).toBe("whole");
    const full = randomAdapter("full", {}, tinyConfig, 0, 1);
    expect(choosePlan({ ...model, ...full }, needs)).toBe("whole");
  });
});
