import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isHeldOut, withoutHeldOut, type ExampleSource, type HoldOutRule } from "../../datasets/index.ts";

const profiles = Array.from({ length: 60 }, (_, i) => ({ country: `C${i % 12}`, religion: `R${i % 5}` }));
const source: ExampleSource = {
  length: profiles.length,
  at: (i) => ({
    id: String(i),
    questionId: "q",
    participantId: String(i),
    profile: profiles[i]!,
    question: "?",
    options: ["a", "b"],
    ordered: true,
    answer: 0,
    target: null,
    weight: 1,
  }),
  attributes: ["country", "religion"],
  files: {},
};

describe("held-out groups", () => {
  test("where: every attribute must have one of its values", () => {
    const rules: HoldOutRule[] = [{ where: { country: ["C1", "C2"], religion: "R0" } }];
    expect(isHeldOut(rules, { country: "C1", religion: "R0" })).toBe(true);
    expect(isHeldOut(rules, { country: "C1", religion: "R1" })).toBe(false);
    expect(isHeldOut(rules, { country: "C3", religion: "R0" })).toBe(false);
    expect(isHeldOut(rules, { country: "C1" })).toBe(false);
    expect(isHeldOut([], { country: "C1" })).toBe(false);
  });

  test("by: about the share of the groups, the same ones whatever else a profile has", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.05, max: 0.95, noNaN: true }), fc.nat(1000), (share, seed) => {
        const rules: HoldOutRule[] = [{ by: ["country"], share, seed }];
        const countries = Array.from({ length: 400 }, (_, i) => `country ${i}`);
        const out = countries.filter((country) => isHeldOut(rules, { country }));
        expect(out).toEqual(countries.filter((country) => isHeldOut(rules, { country, religion: "R1" })));
        expect(Math.abs(out.length / 400 - share)).toBeLessThan(5 * Math.sqrt((share * (1 - share)) / 400));
      }),
      { numRuns: 20 },
    );
    const drawnBy = (seed: number) =>
      Array.from({ length: 100 }, (_, i) => isHeldOut([{ by: ["country"], share: 0.5, seed }], { country: `C${i}` }));
    expect(drawnBy(1)).not.toEqual(drawnBy(2));
    const byPair: HoldOutRule[] = [{ by: ["country", "religion"], share: 0.5, seed: 0 }];
    expect(isHeldOut(byPair, { country: "C1" })).toBe(false);
  });

  test("what is left keeps its order, and a limit draws from it by the seed", () => {
    const rules: HoldOutRule[] = [{ where: { country: "C1" } }];
    const left = withoutHeldOut(source, rules);
    const ids = Array.from({ length: left.length }, (_, i) => Number(left.at(i).id));
    expect(ids).toEqual(profiles.flatMap(({ country }, i) => (country === "C1" ? [] : [i])));
    const drawn = (seed: number) => {
      const few = withoutHeldOut(source, rules, { limit: 10, seed });
      return Array.from({ length: few.length }, (_, i) => few.at(i).id);
    };
    expect(drawn(1)).toHaveLength(10);
    expect(drawn(1)).toEqual(drawn(1));
    expect(drawn(1)).not.toEqual(drawn(2));
    for (const id of drawn(1)) expect(profiles[Number(id)]!.country).not.toBe("C1");
    expect(() => left.at(left.length)).toThrow(RangeError);
  });
});
