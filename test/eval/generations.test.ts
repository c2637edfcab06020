import { readFileSync } from "node:fs";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { generationTable, readGenerations, scoreGenerations, type Generation } from "../../eval/units/generations.ts";
import type { MetricResult } from "../../eval/metrics/index.ts";
import { distinctN } from "../../eval/units/distinctN.ts";
import { ngramsOf } from "../../eval/units/ngrams.ts";
import { leaveOneOutBleu, selfBleu } from "../../eval/units/selfBleu.ts";
import { tokenize } from "../../eval/units/tokens.ts";
import { cosineKernel, kernelOf, ngramKernel, vendiScore } from "../../eval/units/vendi.ts";
import { scoreTexts } from "../../src/app/scoreTexts.ts";
import { CumaError } from "../../src/core/util/index.ts";
import { Files, formats, jsonl } from "./textSupport.ts";

interface Golden {
  tokens: { text: string; tokens: string[] }[];
  texts: { texts: string[][]; distinct: number[]; bleu: number[]; ngramVendi: number | null }[];
  vendi: { vectors: number[][]; score: number }[];
  generations: { rows: { prompt: string; text: string }[]; expected: Record<string, number> };
}

const golden = JSON.parse(
  readFileSync(new URL("../fixtures/golden/textMetrics.json", import.meta.url), "utf8"),
) as Golden;

const expectClose = (found: number, expected: number): void =>
  expect(Math.abs(found - expected), `${found} against ${expected}`).toBeLessThan(1e-9);

const files = new Files();
afterAll(() => files.remove());

const generation = (changes: Partial<Generation> = {}): Generation => ({
  promptId: "p",
  profile: {},
  text: "some words",
  embedding: null,
  ...changes,
});

const texts = (...all: readonly string[]): Generation[] => all.map((text) => generation({ text }));
const none = { resamples: 0 };

describe("golden values", () => {
  test.each(golden.tokens)("tokens of $text", ({ text, tokens }) => {
    expect(tokenize(text)).toEqual(tokens);
  });

  test.each(golden.texts)("Distinct-n, sacrebleu's BLEU and the n-gram Vendi score, case %#", (c) => {
    const orders = ngramsOf(c.texts, 4);
    for (const [i, expected] of c.distinct.entries()) expectClose(distinctN(orders[i]!), expected);
    for (const [i, found] of leaveOneOutBleu(orders).entries()) expectClose(found, c.bleu[i]!);
    expectClose(selfBleu(orders), c.bleu.reduce((a, b) => a + b, 0) / c.bleu.length);
    if (c.ngramVendi !== null) expectClose(vendiScore(ngramKernel(orders)), c.ngramVendi);
  });

  test.each(golden.vendi)("Vendi score of vectors, case %#", ({ vectors, score }) => {
    expectClose(vendiScore(cosineKernel(vectors)), score);
  });

  test("the table: texts cut to equal length, then the mean over prompts", () => {
    const { rows, expected } = golden.generations;
    const table = generationTable(rows.map(({ prompt, text }) => generation({ promptId: prompt, text })));
    const { overall } = scoreGenerations(table, none);
    for (const [name, { value, n }] of Object.entries(overall)) {
      expectClose(value, expected[name]!);
      expect(n).toBe(rows.length);
    }
  });
});

const word = fc.constantFrom("a", "b", "c", "d", "e");
const someTexts = fc.array(fc.array(word, { minLength: 3, maxLength: 12 }), { minLength: 2, maxLength: 6 });
const shuffled = someTexts.chain((all) =>
  fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
);

describe("properties", () => {
  test("Distinct-n is in (0, 1], and 1 where every n-gram differs", () => {
    fc.assert(
      fc.property(someTexts, fc.integer({ min: 0, max: 2 }), (all, n) => {
        const found = distinctN(ngramsOf(all, 3)[n]!);
        expect(found).toBeGreaterThan(0);
        expect(found).toBeLessThanOrEqual(1);
        const different = all.map((text, t) => text.map((_, i) => `${t}:${i}`));
        expect(distinctN(ngramsOf(different, 3)[n]!)).toBe(1);
      }),
    );
  });

  test("Distinct-n of a text and its copy is half that of the text", () => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 3 }), (text) => {
        const one = ngramsOf([text], 3);
        const two = ngramsOf([text, text], 3);
        for (const n of [0, 1, 2]) expect(distinctN(two[n]!)).toBeCloseTo(distinctN(one[n]!) / 2, 12);
      }),
    );
  });

  test("self-BLEU is in [0, 1], 1 for equal texts and 0 for texts without a common word", () => {
    fc.assert(
      fc.property(someTexts, (all) => {
        const found = selfBleu(ngramsOf(all, 4));
        expect(found).toBeGreaterThanOrEqual(0);
        expect(found).toBeLessThanOrEqual(1 + 1e-12);
        const equal = all.map(() => all[0]!);
        expect(selfBleu(ngramsOf(equal, 4))).toBe(1);
        const different = all.map((text, t) => text.map((token) => `${t}${token}`));
        expect(selfBleu(ngramsOf(different, 4))).toBe(0);
      }),
    );
  });

  test("the Vendi score is in [1, n], 1 for equal texts, n for texts without a common word, whatever their order", () => {
    fc.assert(
      fc.property(shuffled, ([all, inOtherOrder]) => {
        const score = (of: readonly (readonly string[])[]): number => vendiScore(ngramKernel(ngramsOf(of, 4)));
        const found = score(all);
        expect(found).toBeGreaterThanOrEqual(1 - 1e-9);
        expect(found).toBeLessThanOrEqual(all.length + 1e-9);
        expectClose(score(all.map(() => all[0]!)), 1);
        expectClose(score(all.map((text, t) => text.map((token) => `${t}${token}`))), all.length);
        expectClose(score(inOtherOrder), found);
      }),
    );
  });

  test("the Vendi score of vectors: 1 for parallel, n for orthogonal ones", () => {
    expectClose(
      vendiScore(
        cosineKernel([
          [1, 2],
          [2, 4],
          [0.5, 1],
        ]),
      ),
      1,
    );
    expectClose(
      vendiScore(
        cosineKernel([
          [3, 0, 0],
          [0, 2, 0],
          [0, 0, 1],
        ]),
      ),
      3,
    );
    expect(vendiScore([])).toBeNaN();
  });

  test("the order of rows, and other prompts, change nothing", () => {
    fc.assert(
      fc.property(someTexts, someTexts, (one, other) => {
        const rows = [one, other].flatMap((all, p) =>
          all.map((text) => generation({ promptId: `p${p}`, text: text.join(" ") })),
        );
        const overall = (of: readonly Generation[]) => scoreGenerations(generationTable(of), none).overall;
        const found = overall(rows);
        const reversed = overall([...rows].reverse());
        const apart = [0, 1].map((p) => overall(rows.filter(({ promptId }) => promptId === `p${p}`)));
        for (const name of ["distinct1", "distinct2", "distinct3", "selfBleu", "vendi"] as const) {
          expectClose(reversed[name].value, found[name].value);
          expectClose((apart[0]![name].value + apart[1]![name].value) / 2, found[name].value);
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe("kernels", () => {
  test("a kernel that is given is used, and seen", () => {
    const rows = texts("one two", "one two", "three four");
    const table = generationTable(rows);
    const given = scoreGenerations(table, { ...none, kernel: (a, b) => Number(a === b || a.text === b.text) });
    // Eigenvalues 2/3 and 1/3.
    expectClose(given.overall.vendi.value, Math.exp((2 / 3) * Math.log(3 / 2) + (1 / 3) * Math.log(3)));
    expect(given.settings["kernel"]).toBe("given");
    expect(scoreGenerations(table, none).settings["kernel"]).toBe("mean cosine of 1- to 4-gram counts");
  });

  test("embeddings take the n-grams' place", () => {
    const rows = texts("same text", "same text").map((row, i) => ({ ...row, embedding: [i, 1 - i] }));
    const { overall, settings } = scoreGenerations(generationTable(rows), none);
    expectClose(overall.vendi.value, 2);
    expect(settings["kernel"]).toBe("cosine of embeddings");
  });

  test("refuses kernels that are none", () => {
    expect(() => vendiScore([[1, 0.5]])).toThrow("kernel: row 1: expected 1 numbers, found 2");
    expect(() => vendiScore([[0.5]])).toThrow("kernel[0][0]: expected 1");
    expect(() => vendiScore(kernelOf([1, 2], () => NaN))).toThrow("found NaN");
    expect(() =>
      vendiScore([
        [1, 0.5],
        [0.4, 1],
      ]),
    ).toThrow("kernel[0][1]: expected 0.4");
    expect(() =>
      vendiScore([
        [1, 2],
        [2, 1],
      ]),
    ).toThrow(/^kernel: expected a positive semi-definite one, found the eigenvalue -(1|0\.9{9})/);
  });
});

describe("what is left out", () => {
  test("empty texts and lone texts are counted", () => {
    const rows = [
      ...texts("a b c", "a b d e", "", " \n"),
      generation({ promptId: "lone" }),
      generation({ promptId: "empty", text: "" }),
    ];
    const { overall, samples } = scoreGenerations(generationTable(rows), none);
    const excluded = { "empty texts": 3, "prompts with fewer than 2 texts": 2 };
    expect(overall.distinct1).toMatchObject({ value: 4 / 6, n: 2, excluded });
    expect(overall.distinct3).toMatchObject({ value: 1, n: 2, excluded });
    expect(samples).toEqual({ rows: 6, prompts: 3, tokens: 9, tokensCompared: 6 });
  });

  test("texts too short for an order of n-grams are counted for that order", () => {
    const rows = [...texts("a b", "c d"), ...texts("a", "a").map((row) => ({ ...row, promptId: "short" }))];
    const {
      distinct1,
      distinct2,
      distinct3,
      selfBleu: bleu,
      vendi,
    } = scoreGenerations(generationTable(rows), none).overall;
    expect(distinct1).toMatchObject({ value: 0.75, n: 4, excluded: {} });
    expect(distinct2).toMatchObject({ value: 1, n: 2, excluded: { "prompts with a text of fewer than 2 tokens": 1 } });
    expect(distinct3).toMatchObject({
      value: NaN,
      n: 0,
      excluded: { "prompts with a text of fewer than 3 tokens": 2 },
    });
    expect(bleu).toMatchObject({ value: 0.5, n: 4 });
    expectClose(vendi.value, 1.5);
  });

  test("more texts than the Vendi score can take", () => {
    const rows = Array.from({ length: 1001 }, (_, i) => generation({ text: `w${i % 7}` }));
    const { vendi, distinct1 } = scoreGenerations(generationTable(rows), none).overall;
    expect(vendi).toMatchObject({ value: NaN, n: 0, excluded: { "prompts with more than 1000 texts": 1 } });
    expect(distinct1).toMatchObject({ value: 7 / 1001, n: 1001 });
  });

  test("no rows at all", () => {
    const { overall, samples } = scoreGenerations(generationTable([]));
    expect(overall.vendi).toEqual({ value: NaN, low: NaN, high: NaN, n: 0, excluded: {} });
    expect(samples).toEqual({ rows: 0, prompts: 0, tokens: 0, tokensCompared: 0 });
  });
});

describe("groups and intervals", () => {
  const rows = ["p0", "p1", "p2"].flatMap((promptId, p) =>
    ["x", "y"].flatMap((model) =>
      ["old", "young"].map((age) =>
        generation({
          promptId,
          text: model === "x" ? "the same words" : `${age} words ${p === 0 ? "the" : age}`,
          profile: { model, age },
        }),
      ),
    ),
  );
  const table = generationTable([...rows, generation({ profile: { age: "old" } })]);

  test("each group is scored by itself; rows in none are counted", () => {
    const { groups, ungrouped } = scoreGenerations(table, { ...none, by: ["model"] });
    expect(Object.keys(groups)).toEqual(["x", "y"]);
    expect(groups["x"]!.selfBleu).toMatchObject({ value: 1, n: 6 });
    const onlyY = scoreGenerations(generationTable(rows.filter(({ profile }) => profile["model"] === "y")), none);
    expect(groups["y"]).toEqual(onlyY.overall);
    expect(groups["y"]!.vendi.value).toBeGreaterThan(1.5);
    expect(ungrouped).toEqual({ "no model": 1 });
    expect(scoreGenerations(table, none)).toMatchObject({ groups: {}, ungrouped: {} });
  });

  test("several attributes, and names that objects have", () => {
    const both = scoreGenerations(table, { ...none, by: ["model", "age"] });
    expect(Object.keys(both.groups)).toEqual(['["x","old"]', '["x","young"]', '["y","old"]', '["y","young"]']);
    expect(both.ungrouped).toEqual({ "no model or age": 1 });
    const odd = texts("a b", "a c").map((row) => ({ ...row, profile: { toString: "__proto__" } }));
    const { groups } = scoreGenerations(generationTable([...odd, generation()]), { ...none, by: ["toString"] });
    expect(Object.keys(groups)).toEqual(["__proto__"]);
  });

  test("an attribute that there is not", () => {
    expect(() => scoreGenerations(table, { by: ["modle"] })).toThrow(
      'unknown attribute "modle"; expected one of model, age; did you mean "model"?',
    );
  });

  /** Prompts whose texts repeat their one word the more often the later they come. */
  const many = Array.from({ length: 30 }, (_, p) =>
    ["a ".repeat(p + 1), "b ".repeat(p + 1)].map((text) => generation({ promptId: `p${p}`, text })),
  ).flat();

  test("the interval draws prompts by the seed", () => {
    const [one, again, other] = [1, 1, 2].map((seed) => {
      return scoreGenerations(generationTable(many), { seed, resamples: 200 }).overall.distinct1;
    }) as [MetricResult, MetricResult, MetricResult];
    expect(one).toEqual(again);
    expect(one.low).toBeLessThan(one.value);
    expect(one.high).toBeGreaterThan(one.value);
    expect(other.value).toBe(one.value);
    expect([other.low, other.high]).not.toEqual([one.low, one.high]);
    const alone = scoreGenerations(generationTable(texts("a b", "b c")), { resamples: 50 }).overall.vendi;
    expect([alone.low, alone.high]).toEqual([alone.value, alone.value]);
  });

  test("the seed of a file's scores is the one that is given", async () => {
    const path = files.rows(
      ".csv",
      many.map(({ promptId, text }) => ({ prompt_id: promptId, text })),
    );
    for (const seed of [1, 2]) {
      const { overall } = await scoreTexts("generations", path, { by: null, resamples: 100, seed });
      expect(overall).toEqual(scoreGenerations(generationTable(many), { resamples: 100, seed }).overall);
    }
  });

  test("refuses impossible options", () => {
    expect(() => scoreGenerations(table, { resamples: 0.5 })).toThrow(
      "resamples: expected a whole number, 0 or more, found 0.5",
    );
    expect(() => scoreGenerations(table, { level: 1 })).toThrow("level: expected a number between 0 and 1, found 1");
  });
});

describe("files", () => {
  const rows = [
    { prompt_id: "p1", country: "Japan", text: 'says "hi", äöü\nand more', embedding: [1, 0] },
    { prompt_id: "p1", country: "Peru", text: "日本\tthen words here", embedding: [0.5, -0.25] },
    { prompt_id: "p2", country: null, text: null, embedding: [1e-3, 2] },
  ];
  const expected: Generation[] = [
    { promptId: "p1", profile: { country: "Japan" }, text: rows[0]!.text!, embedding: [1, 0] },
    { promptId: "p1", profile: { country: "Peru" }, text: rows[1]!.text!, embedding: [0.5, -0.25] },
    { promptId: "p2", profile: {}, text: "", embedding: [1e-3, 2] },
  ];

  test.each(formats)("%s gives the same rows and numbers, with and without embeddings", async (format) => {
    const table = await readGenerations(files.rows(format, rows));
    expect(table).toEqual({ rows: expected, attributes: ["country"] });
    const without = rows.map(({ prompt_id, country, text }) => ({ prompt_id, country, text }));
    const path = files.rows(format, without);
    expect((await readGenerations(path)).rows).toEqual(expected.map((row) => ({ ...row, embedding: null })));

    const config = { by: ["country"], resamples: 20, seed: 3 };
    const found = await scoreTexts("generations", path, config);
    const { samples, overall } = scoreGenerations(
      generationTable(expected.map((row) => ({ ...row, embedding: null }))),
      {
        resamples: 20,
        seed: 3,
      },
    );
    expect(found).toMatchObject({ kind: "generations", config: { path, ...config }, seed: 3, samples, overall });
    expect(found.overall["distinct1"]!.n).toBe(2);
    expect(Object.keys(found.groups)).toEqual(["Japan", "Peru"]);
    expect(found.ungrouped).toEqual({ "no country": 1 });
    expect(found.versions).toHaveProperty("cuma");
    expect(Object.entries(found.files)).toEqual([[path, expect.stringMatching(/^[0-9a-f]{64}$/)]]);
    expect(found.gitHash === null || /^[0-9a-f]{40}(-dirty)?$/.test(found.gitHash)).toBe(true);
    expect(JSON.parse(JSON.stringify(found))).toMatchObject({ groups: { Japan: { vendi: { value: null } } } });
  });

  const refused = async (path: string, message: string): Promise<void> => {
    const error: unknown = await readGenerations(path).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CumaError);
    expect((error as CumaError).message).toContain(`${path}${message}`);
  };

  test("refuses other extensions, missing columns and missing files", async () => {
    await refused(files.write(".xlsx", "[]"), ': unknown file extension ".xlsx"; expected one of .parquet');
    await refused(
      files.write(".csv", "prompt_id,texts\np,a\n"),
      ": header: expected the columns prompt_id, text; found",
    );
    await refused(
      files.rows(".parquet", [{ prompt_id: "p", texts: "a" }]),
      ": expected the columns prompt_id, text; found prompt_id, texts",
    );
    await refused(
      files.write(".jsonl", jsonl({ prompt_id: "p", texts: "a" })),
      ": row 1: text: expected a value, found nothing",
    );
    await refused("no-such.jsonl", ": cannot be read: there is no such file or folder");
    await expect(scoreTexts("generations", "no-such.csv", { by: null, resamples: 0, seed: 0 })).rejects.toThrow(
      "no-such.csv: cannot be read: there is no such file or folder",
    );
  });

  test("numbers are texts, and an empty text is none", async () => {
    const path = files.write(".jsonl", jsonl({ prompt_id: 3, text: "a", age: 30, country: "" }));
    const { rows, attributes } = await readGenerations(path);
    expect(rows).toEqual([{ promptId: "3", profile: { age: "30" }, text: "a", embedding: null }]);
    expect(attributes).toEqual(["age"]);
  });

  test("refuses cells of another type, naming row and column", async () => {
    const fine = { prompt_id: "p", text: "a" };
    await refused(files.write(".jsonl", `${jsonl(fine)}\nhello`), ": row 2: is not JSON: ");
    await refused(files.write(".jsonl", "[1]"), ": row 1: expected an object, found 1");
    await refused(
      files.write(".jsonl", jsonl(fine, { ...fine, prompt_id: [3] })),
      ": row 2: prompt_id: expected a text or null, found [3]",
    );
    await refused(
      files.write(".jsonl", jsonl({ ...fine, prompt_id: "" })),
      ': row 1: "prompt_id": expected string; found null',
    );
    await refused(
      files.write(".jsonl", jsonl({ ...fine, age: [30] })),
      ": row 1: age: expected a text or null, found [30]",
    );
    await refused(
      files.write(".csv", "prompt_id,text,embedding\np,a,1 2\n"),
      ': row 1: embedding: expected a list of finite numbers, found "1 2"',
    );
  });

  test("refuses embeddings of some rows only, of other lengths, and of 0", async () => {
    const fine = { prompt_id: "p", text: "a", embedding: [1, 2] };
    const where = ': row 2 (prompt "p"): embedding: expected ';
    const second = (embedding: unknown) => files.write(".jsonl", jsonl(fine, { ...fine, embedding }));
    await refused(second(null), `${where}2 numbers, as in the first row; found none`);
    await refused(second([1]), `${where}2 numbers, as in the first row; found 1 numbers`);
    await refused(second([0, 0]), `${where}a vector that is not 0; found 0`);
    await refused(
      files.write(".jsonl", jsonl({ ...fine, embedding: null }, fine)),
      `${where}none, as in the first row; found 2 numbers`,
    );
    expect(() => generationTable([generation({ embedding: [NaN] })])).toThrow("expected finite numbers; found NaN");
  });
});
