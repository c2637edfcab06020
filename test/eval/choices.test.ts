import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ChoiceExample, Source } from "../../datasets/index.ts";
import { askAll, type AskHooks, type Respondent } from "../../eval/index.ts";
import { choices } from "../../eval/tasks/choices.ts";
import { normaliseLogLikelihoods } from "../../src/core/inference/index.ts";
import { CumaError, Interrupted } from "../../src/core/util/index.ts";

let root: string;
beforeAll(() => (root = mkdtempSync(join(tmpdir(), "cuma-predict-"))));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let files = 0;
const fresh = (): string => join(root, `${files++}.jsonl`);

/** Who is asked what: a participant, a country and a question for each example. */
type Asked = readonly [participant: string, country: string, question: string];

function sourceOf(asked: readonly Asked[]): Source<ChoiceExample> {
  const at = (index: number): ChoiceExample => {
    const [participantId, country, questionId] = asked[index]!;
    return {
      id: String(index),
      questionId,
      participantId,
      profile: { country, gender: participantId },
      question: `${questionId}?`,
      options: ["yes", "no"],
      ordered: true,
      answer: 0,
      target: null,
      weight: 1,
    };
  };
  return { length: asked.length, at, attributes: ["country", "gender"], files: {} };
}

/** Log-likelihoods by a person's country and the question, and who asked for them. */
class Model implements Respondent<ChoiceExample> {
  readonly calls: string[][] = [];
  told({ country }: Readonly<Record<string, string>>): Record<string, string> {
    return { country: country! };
  }
  logLikelihoods(people: readonly (readonly ChoiceExample[])[]): Promise<number[][][]> {
    const names = people.map((examples) =>
      examples.map(({ profile, question }) => `${JSON.stringify(this.told(profile))} ${question}`),
    );
    this.calls.push(names.flat());
    return Promise.resolve(names.map((texts) => texts.map(likelihoodsOf)));
  }
}

/** Some log-likelihoods that no other text has, and that decimal digits alone do not give. */
function likelihoodsOf(text: string): number[] {
  let sum = 0;
  for (let i = 0; i < text.length; i++) sum += text.charCodeAt(i) * Math.sqrt(i + 2);
  return [-(sum % 1), -2 * (sum % 0.7)];
}

/** The distribution of every example, as it stands in the table. */
async function predict(
  source: Source<ChoiceExample>,
  model: Respondent<ChoiceExample>,
  path: string,
  identity: Readonly<Record<string, unknown>>,
  hooks: AskHooks,
  say?: (message: string) => void,
): Promise<number[][]> {
  const table = choices.table(source, await askAll(choices, source, model, { path, identity }, hooks, say));
  return Array.from({ length: table.rows }, (_, i) => [...table.row(i).probabilities]);
}

const expectedOf = (asked: readonly Asked[]): number[][] =>
  asked.map(([, country, question]) =>
    normaliseLogLikelihoods(likelihoodsOf(`${JSON.stringify({ country })} ${question}?`)),
  );

/** Goes on to the end, or until `stopAfter` chunks are done; keeps what it is told. */
function hooks(stopAfter = Infinity): AskHooks & { readonly progress: [number, number][] } {
  const controller = new AbortController();
  const progress: [number, number][] = [];
  return {
    signal: controller.signal,
    progress,
    onStart: (done, total) => progress.push([done, total]),
    onProgress: (done, total) => {
      progress.push([done, total]);
      if (progress.length > stopAfter) controller.abort();
    },
  };
}

const IDENTITY = { base: "demo", limit: 10 };

/** 5 countries by 40 questions, 200 in all, each asked of two people, in an order that mixes people. */
const mixed: Asked[] = Array.from({ length: 400 }, (_, i) => [`p${i}`, `C${i % 5}`, `Q${Math.floor(i / 5) % 40}`]);

test("gives every example its distribution, in the order of the source", async () => {
  const found = await predict(sourceOf(mixed), new Model(), fresh(), IDENTITY, hooks());
  expect(found).toEqual(expectedOf(mixed));
});

test("what people who are equal are asked twice is computed once", async () => {
  const model = new Model();
  const told = hooks();
  await predict(sourceOf(mixed), model, fresh(), IDENTITY, told);
  const asked = model.calls.flat();
  expect(asked.length).toBe(200);
  expect(new Set(asked).size).toBe(200);
  expect(told.progress).toEqual([0, 40, 80, 120, 160, 200].map((done) => [done, 200]));
});

test("what one person is asked stands together, in chunks of 64 or fewer", async () => {
  const model = new Model();
  await predict(sourceOf(mixed), model, fresh(), IDENTITY, hooks());
  expect(model.calls.map((call) => call.length)).toEqual([40, 40, 40, 40, 40]);
  for (const call of model.calls) expect(new Set(call.map((text) => text.split(" ")[0])).size).toBe(1);

  const long = new Model();
  const asked: Asked[] = Array.from({ length: 150 }, (_, i) => ["p", i < 140 ? "A" : "B", `Q${i}`]);
  expect(await predict(sourceOf(asked), long, fresh(), IDENTITY, hooks())).toEqual(expectedOf(asked));
  expect(long.calls.map((call) => call.length)).toEqual([64, 64, 22]);
});

test("a source without examples asks nothing", async () => {
  const model = new Model();
  expect(await predict(sourceOf([]), model, fresh(), IDENTITY, hooks())).toEqual([]);
  expect(model.calls).toEqual([]);
});

describe("interrupted", () => {
  const source = sourceOf(mixed);

  /** The partial file of an evaluation that nothing interrupts. */
  async function whole(): Promise<Buffer> {
    const path = fresh();
    await predict(source, new Model(), path, IDENTITY, hooks());
    return readFileSync(path);
  }

  test("stops after the chunk in hand, says how far it came, and goes on to the same bytes", async () => {
    const path = fresh();
    const first = new Model();
    const stopped = predict(source, first, path, IDENTITY, hooks(2));
    await expect(stopped).rejects.toThrow(Interrupted);
    await expect(stopped).rejects.toThrow("interrupted after 80 of 200 questions; continue with --resume");
    expect(first.calls.length).toBe(2);

    const second = new Model();
    const told = hooks();
    expect(await predict(source, second, path, IDENTITY, told)).toEqual(expectedOf(mixed));
    expect(second.calls.length).toBe(3);
    expect(told.progress).toEqual([80, 120, 160, 200].map((done) => [done, 200]));
    expect(readFileSync(path)).toEqual(await whole());
  });

  test("a signal during the last chunk comes too late", async () => {
    expect(await predict(source, new Model(), fresh(), IDENTITY, hooks(5))).toEqual(expectedOf(mixed));
  });

  test("a finished file is not asked again", async () => {
    const path = fresh();
    writeFileSync(path, await whole());
    const model = new Model();
    expect(await predict(source, model, path, IDENTITY, hooks())).toEqual(expectedOf(mixed));
    expect(model.calls).toEqual([]);
  });

  test("finished chunks count in whatever order they stand, as shards leave them", async () => {
    const [head, ...lines] = (await whole()).toString().trimEnd().split("\n");
    const path = fresh();
    const model = new Model();
    writeFileSync(path, `${[head, ...lines.reverse()].join("\n")}\n`);
    expect(await predict(source, model, path, IDENTITY, hooks())).toEqual(expectedOf(mixed));
    expect(model.calls).toEqual([]);
  });

  test("a file that is cut off anywhere is continued to the same bytes", async () => {
    const bytes = await whole();
    const lines = bytes.toString().split("\n").length - 1;
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: bytes.length })),
        async (cut) => {
          const path = fresh();
          writeFileSync(path, bytes.subarray(0, cut));
          const kept = Math.max(1, bytes.subarray(0, cut).toString().split("\n").length - 1);
          const model = new Model();
          expect(await predict(source, model, path, IDENTITY, hooks())).toEqual(expectedOf(mixed));
          expect(model.calls.length).toBe(lines - kept);
          expect(readFileSync(path)).toEqual(bytes);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("a damaged line costs itself, and is named", async () => {
    const bytes = await whole();
    const lines = bytes.toString().split("\n");
    const numbers = lines.map((line) => line.replace(/0\.\d+/, "7"));
    const damages: [line: number, text: string][] = [
      [1, "\0".repeat(lines[1]!.length)],
      [2, lines[2]!.slice(0, 100)],
      [3, numbers[3]!],
      [4, lines[4]!.replace(/"key":"\w+"/, '"key":"elsewhere"')],
      [5, lines[5]!.replace("[[[", "[[")],
      [3, "null"],
      [3, lines[1]!.replace(/"of":"\w+"/, '"of":"0"')],
    ];
    for (const [damaged, text] of damages) {
      const path = fresh();
      writeFileSync(path, lines.map((line, i) => (i === damaged ? text : line)).join("\n"));
      const model = new Model();
      const said: string[] = [];
      const found = await predict(source, model, path, IDENTITY, hooks(), (message) => said.push(message));
      expect(found).toEqual(expectedOf(mixed));
      expect(model.calls.length, text).toBe(1);
      expect(said).toEqual([`${path}:${damaged + 1}: is damaged; what it held is asked again`]);
      expect(readFileSync(path, "utf8").split("\n").sort()).toEqual([...lines].sort());
    }
  });

  test("a damaged first line costs nothing where the others tell what they belong to", async () => {
    const bytes = await whole();
    const path = fresh();
    writeFileSync(path, bytes.fill(0, 0, bytes.indexOf("\n")));
    const model = new Model();
    expect(await predict(source, model, path, IDENTITY, hooks())).toEqual(expectedOf(mixed));
    expect(model.calls).toEqual([]);
    expect(readFileSync(path)).toEqual(await whole());
  });

  test("a model that fails leaves what was finished", async () => {
    const path = fresh();
    const model = new Model();
    const failing: Respondent<ChoiceExample> = {
      told: (profile) => model.told(profile),
      logLikelihoods: (people) =>
        model.calls.length === 3 ? Promise.reject(new Error("out of memory")) : model.logLikelihoods(people),
    };
    await expect(predict(source, failing, path, IDENTITY, hooks())).rejects.toThrow("out of memory");
    const rest = new Model();
    expect(await predict(source, rest, path, IDENTITY, hooks())).toEqual(expectedOf(mixed));
    expect(rest.calls.length).toBe(2);
  });
});

describe("refuses", () => {
  const source = sourceOf(mixed.slice(0, 3));
  const started = async (): Promise<string> => {
    const path = fresh();
    await predict(source, new Model(), path, IDENTITY, hooks());
    return path;
  };

  test("the file of another evaluation, naming what differs, and leaves it as it is", async () => {
    const path = await started();
    const before = readFileSync(path);
    const other = { base: "demo", limit: 20, seed: 1 };
    await expect(predict(source, new Model(), path, other, hooks())).rejects.toThrow(
      new CumaError(
        `${path}: belongs to another evaluation: limit: 10 in the folder, 20 now, seed: nothing in the folder, 1 now; ` +
          "give --overwrite to start anew",
      ),
    );
    expect(readFileSync(path)).toEqual(before);
  });

  test("a file that is something else", async () => {
    const path = fresh();
    writeFileSync(path, "notes\n");
    await expect(predict(source, new Model(), path, IDENTITY, hooks())).rejects.toThrow(
      `${path}: belongs to another evaluation; give --overwrite to start anew`,
    );
  });

  test("a place where no file can be", async () => {
    const folder = fresh();
    await expect(predict(source, new Model(), join(folder, "partial.jsonl"), IDENTITY, hooks())).rejects.toThrow(
      `${join(folder, "partial.jsonl")}: cannot be written: there is no such file or folder`,
    );
    mkdirSync(folder);
    await expect(predict(source, new Model(), folder, IDENTITY, hooks())).rejects.toThrow(
      `${folder}: cannot be read: it is a folder; expected a file`,
    );
  });
});
