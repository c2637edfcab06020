import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  checkHoldOut,
  heldOutTest,
  isHeldOut,
  loadPlanted,
  withoutHeldOut,
  writePlanted,
  type ChoiceExample,
  type Source,
  type HoldOutRule,
} from "../../datasets/index.ts";
import { readTruth } from "../../datasets/planted/model.ts";

const profiles = Array.from({ length: 60 }, (_, i) => ({ country: `C${i % 12}`, religion: `R${i % 5}` }));
const source: Source<ChoiceExample> = {
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
    expect(isHeldOut(rules, { country: "C2", religion: "R0" })).toBe(true);
    expect(isHeldOut(rules, { country: "C1", religion: "R1" })).toBe(false);
    expect(isHeldOut(rules, { country: "C3", religion: "R0" })).toBe(false);
    expect(isHeldOut(rules, { country: "C1" })).toBe(false);
    expect(isHeldOut([], { country: "C1" })).toBe(false);
  });

  test("any of several rules, or the data set itself", () => {
    const rules: HoldOutRule[] = [{ where: { country: "C1" } }, { where: { religion: "R2" } }];
    const isOut = heldOutTest(rules, { isHeldOut: ({ country }) => country === "C9" });
    const profile = (country: string, religion: string) => ({ country, religion });
    expect([profile("C1", "R0"), profile("C0", "R2"), profile("C9", "R0")].map(isOut)).toEqual([true, true, true]);
    expect(isOut(profile("C0", "R0"))).toBe(false);
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

  test.each([
    [{ where: { continent: "Asia" } }, /^rules: unknown attribute "continent"; expected one of country, religion$/],
    [{ where: { country: "c1" } }, /^rules: unknown country "c1"; expected one of C0, .*C9; did you mean "C1"\?$/],
    [{ where: { country: ["C1", "Kenya"] } }, /^rules: unknown country "Kenya"; expected one of C0, .*C9$/],
    [{ by: ["continent"], share: 0.5, seed: 0 }, /^rules: unknown attribute "continent"/],
  ] as [HoldOutRule, RegExp][])("refuses %j", (rule, message) => {
    const sound: HoldOutRule = { where: { country: "C0" } };
    expect(() => {
      checkHoldOut("rules", [sound, rule], source);
    }).toThrow(message);
  });

  test("several attributes must be one profile's", () => {
    const few = { ...source, length: 12 };
    const check = (where: Record<string, string | string[]>) => {
      checkHoldOut("rules", [{ where }], few);
    };
    check({ country: "C1", religion: "R1" });
    check({ country: ["C1", "C3"], religion: ["R2", "R3"] });
    expect(() => {
      check({ country: ["C1", "C2"], religion: "R0" });
    }).toThrow('rules: expected a combination that somebody has; found country "C1" or "C2" with religion "R0"');
  });

  test("what the source knows counts, in the examples or not", () => {
    const check = (where: Record<string, string>, known: Source["known"]) => {
      checkHoldOut("rules", [{ where }], { ...source, known: known! });
    };
    const known = [{ country: "Kenya" }, { religion: "R9" }, { country: "Peru", religion: "R9" }];
    check({ country: "Kenya" }, known);
    check({ country: "Peru", religion: "R9" }, known);
    expect(() => {
      check({ country: "Kenya", religion: "R9" }, known);
    }).toThrow(/expected a combination/);
    expect(() => {
      check({ country: "C1" }, known);
    }).toThrow(/unknown country "C1"; expected one of Kenya, Peru$/);
  });

  test("a long list of values is cut to the nearest", () => {
    const known = Array.from({ length: 300 }, (_, i) => ({ country: i === 299 ? "Belmora" : `Country ${i}` }));
    let message = "";
    try {
      checkHoldOut("rules", [{ where: { country: "Belmorra" } }], { ...source, known });
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toMatch(/expected one of Belmora, .*did you mean "Belmora"\? \(the 20 nearest of 300\)$/);
    expect(message.split(", ")).toHaveLength(20);
  });

  test("a survey knows the texts of its codebook, whoever was drawn", async () => {
    const out = mkdtempSync(join(tmpdir(), "held-out-"));
    try {
      writePlanted({ out, participants: 40, questions: 2, heldOut: 1 });
      const few = await loadPlanted(out, "train", { limit: 1 });
      for (const country of ["Arvenland", "Belmora", "Cassidia"]) checkHoldOut("rules", [{ where: { country } }], few);
      // Nobody of the training split has the combination that is held out of it.
      const { country, religion } = readTruth(join(out, "truth.json")).groups.find(({ heldOut }) => heldOut)!;
      checkHoldOut("rules", [{ where: { country, religion } }], few);
      expect(() => {
        checkHoldOut("rules", [{ where: { country: ["Belmorra"] } }], few);
      }).toThrow(/unknown country "Belmorra"; expected one of Arvenland, .*did you mean "Belmora"\?/);
    } finally {
      rmSync(out, { recursive: true });
    }
  });
});
