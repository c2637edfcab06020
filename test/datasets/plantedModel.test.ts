import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadPlanted, writePlanted, type PlantedSpecInput } from "../../datasets/index.ts";

let root: string;
beforeAll(() => (root = mkdtempSync(join(tmpdir(), "cuma-planted-model-"))));
afterAll(() => rmSync(root, { recursive: true, force: true }));

interface Truth {
  readonly countries: Record<string, number[]>;
  readonly religions: Record<string, number[]>;
  readonly questions: Record<string, { options: string[]; ordered?: false; modes: number[][] }>;
  readonly groups: {
    country: string;
    religion: string;
    heldOut: boolean;
    mode?: number;
    mixture: number[];
    distributions: Record<string, number[]>;
  }[];
}

function truthOf(spec: PlantedSpecInput): Truth {
  const out = join(root, "truth");
  writePlanted({ out, overwrite: true, participants: 40, ...spec });
  return JSON.parse(readFileSync(join(out, "truth.json"), "utf8")) as Truth;
}

const sum = (values: readonly number[]) => values.reduce((total, x) => total + x, 0);

/** Sum of squared residuals of the mixtures' best fit by mean + country effect + religion effect. */
function additiveResidual({ countries, religions, groups }: Truth): number {
  const mean = (of: Truth["groups"], m: number) => sum(of.map(({ mixture }) => mixture[m]!)) / of.length;
  expect(groups).toHaveLength(Object.keys(countries).length * Object.keys(religions).length);
  return sum(
    groups.flatMap(({ country, religion, mixture }) =>
      mixture.map((p, m) => {
        const row = groups.filter((group) => group.country === country);
        const column = groups.filter((group) => group.religion === religion);
        return (p - mean(row, m) - mean(column, m) + mean(groups, m)) ** 2;
      }),
    ),
  );
}

test("the truth is the stated model's, whatever the knobs", () => {
  const specs = fc.record({
    seed: fc.nat(),
    questions: fc.integer({ min: 1, max: 32 }),
    levels: fc.integer({ min: 2, max: 10 }),
    nominal: fc.constantFrom(0, 0.5, 1),
    modes: fc.integer({ min: 2, max: 6 }),
    distance: fc.constantFrom(0, 0.4, 1),
    noise: fc.constantFrom(0.3, 0.5, 2),
    uniformShare: fc.constantFrom(0, 0.25),
    countries: fc.integer({ min: 6, max: 9 }),
    religions: fc.integer({ min: 2, max: 5 }),
    countryShare: fc.constantFrom(0, 0.6, 1),
    peak: fc.constantFrom(0.6, 0.91, 1),
    interaction: fc.constantFrom(undefined, 0.5, 1),
  });
  fc.assert(
    fc.property(specs, ({ interaction, ...knobs }) => {
      const { questions, levels, modes, distance, noise, uniformShare, countryShare, peak } = knobs;
      const truth = truthOf({ ...knobs, ...(interaction !== undefined && { mixing: "interacting", interaction }) });
      const w = interaction ?? 0;
      const peaked = (mode: number) =>
        Array.from({ length: modes }, (_, m) => (m === mode ? peak : (1 - peak) / (modes - 1)));

      for (const named of [truth.countries, truth.religions]) {
        const peaks = Object.values(named).map((mixture) => mixture.indexOf(Math.max(...mixture)));
        Object.values(named).forEach((mixture, i) => {
          mixture.forEach((p, m) => expect(p).toBeCloseTo(peaked(peaks[i]!)[m]!, 12));
        });
        const times = Array.from({ length: modes }, (_, m) => peaks.filter((mode) => mode === m).length);
        expect(Math.max(...times) - Math.min(...times)).toBeLessThanOrEqual(1);
      }
      for (const { country, religion, mode, mixture, distributions } of truth.groups) {
        expect(mode === undefined).toBe(w === 0);
        const own = mode === undefined ? mixture.map(() => 0) : peaked(mode);
        mixture.forEach((p, m) => {
          const parts =
            countryShare * truth.countries[country]![m]! + (1 - countryShare) * truth.religions[religion]![m]!;
          expect(p).toBeCloseTo((1 - w) * parts + w * own[m]!, 12);
        });
        for (const [id, { modes: byMode }] of Object.entries(truth.questions)) {
          distributions[id]!.forEach((p, k) => {
            expect(p).toBeCloseTo(sum(mixture.map((weight, m) => weight * byMode[m]![k]!)), 12);
          });
        }
      }

      expect(Object.keys(truth.questions)).toHaveLength(questions);
      const nominal = Object.values(truth.questions).filter(({ ordered }) => ordered === false).length;
      expect(nominal).toBe(Math.floor(questions * knobs.nominal));
      for (const { options, ordered, modes: byMode } of Object.values(truth.questions)) {
        expect(new Set(options).size).toBe(levels);
        if (ordered === false && distance > 0) {
          // Modes prefer different options as long as there are enough.
          const preferred = byMode.map((p) => p.indexOf(Math.max(...p)));
          expect(new Set(preferred).size).toBe(Math.min(modes, levels));
        }
        for (const probabilities of byMode) {
          expect(sum(probabilities)).toBeCloseTo(1, 12);
          // Without the uniform share; log p_k - log p_0 tells the location, and that the form is the stated one.
          const logs = probabilities.map((p) => Math.log((p - uniformShare / levels) / (1 - uniformShare)));
          if (ordered === false) {
            const others = [...logs].sort((a, b) => b - a).slice(1);
            for (const log of others) expect(log).toBeCloseTo(others[0]!, 6);
            const apart = (Math.max(...logs) - others[0]!) * 2 * noise ** 2;
            expect(apart).toBeGreaterThan(0.85 * distance - 1e-6);
            expect(apart).toBeLessThan(1.15 * distance + 1e-6);
            continue;
          }
          // Neighbours alone: far options are lost to rounding under the uniform share.
          const best = Math.max(0, logs.indexOf(Math.max(...logs)) - 1);
          const location = noise ** 2 * (logs[best + 1]! - logs[best]!) + best + 0.5;
          const places = Array.from({ length: modes }, (_, i) => (i * (levels - 1)) / (modes - 1));
          const off = places.map((place) =>
            Math.abs(location - distance * place - ((1 - distance) * (levels - 1)) / 2),
          );
          expect(Math.min(...off)).toBeLessThan(0.15 * distance + 1e-6);
          if (uniformShare > 0) continue;
          const weights = probabilities.map((_, k) => Math.exp(-((k - location) ** 2) / (2 * noise ** 2)));
          probabilities.forEach((p, k) => expect(p).toBeCloseTo(weights[k]! / sum(weights), 9));
        }
      }
    }),
    { numRuns: 40, seed: 11 },
  );
});

test("questions of one category order the modes alike", () => {
  const truth = truthOf({ seed: 4, modes: 3, questions: 32, levels: 4 });
  const means = Object.values(truth.questions).map(({ modes }) => modes.map((p) => sum(p.map((x, k) => x * k))));
  const order = (values: readonly number[]) => values.map((_, m) => m).sort((a, b) => values[a]! - values[b]!);
  for (let i = 4; i < 32; i++) expect(order(means[i]!)).toEqual(order(means[i % 4]!));
});

describe("mixing", () => {
  test("additive mixtures are the sum of a country's and a religion's part", () => {
    for (const seed of [0, 1, 2]) expect(additiveResidual(truthOf({ seed }))).toBeLessThan(1e-20);
    expect(additiveResidual(truthOf({ mixing: "interacting", interaction: 0 }))).toBeLessThan(1e-20);
  });

  test("interacting ones are not, the less the larger the weight", () => {
    const residuals = [0.25, 0.5, 1].map((interaction) =>
      additiveResidual(truthOf({ mixing: "interacting", interaction })),
    );
    expect(residuals[0]).toBeGreaterThan(0.1);
    // The residual of a sum is that of its one part that has any, times the weight squared.
    expect(residuals[1]! / residuals[0]!).toBeCloseTo(4, 9);
    expect(residuals[2]! / residuals[0]!).toBeCloseTo(16, 9);
  });

  test("at weight 1 country and religion tell nothing about a combination", () => {
    // Over many seeds: how often a group's mode is its country's, or its religion's. By chance 1 in 4.
    const agree = { country: 0, religion: 0 };
    let n = 0;
    for (let seed = 0; seed < 40; seed++) {
      const { countries, religions, groups } = truthOf({ seed, questions: 1, mixing: "interacting" });
      for (const { country, religion, mode } of groups) {
        n++;
        agree.country += Number(countries[country]![mode!]! > 0.5);
        agree.religion += Number(religions[religion]![mode!]! > 0.5);
      }
    }
    const deviation = Math.sqrt((0.25 * 0.75) / n);
    expect(Math.abs(agree.country / n - 0.25)).toBeLessThan(4 * deviation);
    expect(Math.abs(agree.religion / n - 0.25)).toBeLessThan(4 * deviation);
  });
});

test("skipped questions leave the others, and everything else that is drawn before the held-out groups, as they are", () => {
  const all = truthOf({ seed: 3, questions: 12, nominal: 0.5, heldOut: 0, mixing: "interacting" });
  const last = truthOf({ seed: 3, questions: 4, skip: 8, nominal: 0.5, heldOut: 0, mixing: "interacting" });
  const ids = ["Q9", "Q10", "Q11", "Q12"];
  expect(Object.keys(last.questions)).toEqual(ids);
  const of = (values: Readonly<Record<string, unknown>>) => ids.map((id) => values[id]);
  expect(of(last.questions)).toEqual(of(all.questions));
  expect(last.groups.map(({ mixture, distributions }) => [mixture, of(distributions)])).toEqual(
    all.groups.map(({ mixture, distributions }) => [mixture, of(distributions)]),
  );
  expect(Object.keys(last.groups[0]!.distributions)).toEqual(ids);
});

test("modes at distance 0 answer alike, so do all groups; at a distance they do not", () => {
  const spread = (distance: number): number => {
    const { groups } = truthOf({ distance, nominal: 0.25 });
    return Math.max(
      ...groups.flatMap(({ distributions }) =>
        Object.entries(distributions).flatMap(([id, p]) =>
          p.map((x, k) => Math.abs(x - groups[0]!.distributions[id]![k]!)),
        ),
      ),
    );
  };
  expect(spread(0)).toBeLessThan(1e-14);
  expect(spread(0.2)).toBeGreaterThan(0.01);
  expect(spread(1)).toBeGreaterThan(spread(0.2));
});

test("sampled answers follow the truth, also of interacting groups and nominal questions", async () => {
  const out = join(root, "large");
  const knobs = { seed: 6, questions: 8, nominal: 0.5, uniformShare: 0.1, levels: 4 };
  writePlanted({ out, participants: 12_000, mixing: "interacting", interaction: 0.7, ...knobs });
  const { groups, questions } = JSON.parse(readFileSync(join(out, "truth.json"), "utf8")) as Truth;
  const data = await loadPlanted(out, "train");
  const counts = new Map<string, number[]>();
  for (let i = 0; i < data.length; i++) {
    const { questionId, profile, ordered, answer } = data.at(i);
    expect(ordered).toBe(questions[questionId]!.ordered !== false);
    const key = `${questionId} ${profile["country"]!} ${profile["religion"]!}`;
    if (!counts.has(key)) counts.set(key, [0, 0, 0, 0]);
    counts.get(key)![answer!]!++;
  }
  let chiSquare = 0;
  let cells = 0;
  for (const { country, religion, heldOut, distributions } of groups) {
    for (const [id, expected] of Object.entries(distributions)) {
      const found = counts.get(`${id} ${country} ${religion}`);
      expect(found === undefined).toBe(heldOut);
      if (!found) continue;
      const n = sum(found);
      chiSquare += sum(found.map((c, k) => (c - n * expected[k]!) ** 2 / (n * expected[k]!)));
      cells++;
    }
  }
  // The statistic's mean is its degrees of freedom f and its standard deviation sqrt(2 f).
  const freedom = 3 * cells;
  expect(freedom).toBe(3 * 28 * 8);
  expect(Math.abs(chiSquare - freedom)).toBeLessThan(4 * Math.sqrt(2 * freedom));
});
