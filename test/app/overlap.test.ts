import fc from "fast-check";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import {
  loadCuma,
  runConfigSchema,
  train,
  writePlanted,
  type Choice,
  type Cuma,
  type Profile,
} from "../../src/index.ts";
import { needsModels, realModel } from "../support/models.ts";

const root = mkdtempSync(join(tmpdir(), "cuma-overlap-"));
const data = join(root, "data");
const miniLM = realModel("all-minilm-l6-v2");
const adapters = {
  "CuMA, encoder base": { adapter: { method: "cuma", numExperts: 4, routerHidden: 16 } },
  LoRA: { adapter: { method: "lora" } },
  "LoRA with a profile vector": { adapter: { method: "lora", profileVector: true } },
  ...(miniLM !== undefined && {
    "CuMA, encoder MiniLM": { adapter: { method: "cuma", numExperts: 4 }, encoder: { model: miniLM, projection: 8 } },
  }),
};

async function trained(name: string, settings: object): Promise<string> {
  const out = join(root, name);
  const config = { base: "demo", data: { dir: data, limit: 32 }, out, train: { maxSteps: 2, lr: 1e-2 }, ...settings };
  const hooks = { onStart: () => undefined, onStep: () => undefined, onWarning: () => undefined };
  await train(runConfigSchema.parse(config), "new", () => undefined, {
    signal: new AbortController().signal,
    ...hooks,
  });
  return out;
}

beforeAll(() => {
  vi.stubEnv("CUMA_CACHE", join(root, "cache"));
  writePlanted({ out: data, participants: 40, questions: 4 });
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true });
});

type Call = (model: Cuma) => Promise<unknown>;

const profile: fc.Arbitrary<Profile> = fc
  .record({
    country: fc.option(fc.constantFrom("Avaria", "Belmora", "Cordane"), { nil: undefined }),
    religion: fc.constantFrom("Wayfarer", "Hearth"),
  })
  .map(({ country, ...rest }) => (country === undefined ? rest : { country, ...rest }));
const options = fc.uniqueArray(fc.constantFrom("yes", "no", "maybe", "never", "always"), { minLength: 2 });
const text = fc.constantFrom("How much do you trust the courts?", "What matters most?", "Is work a duty?");
const ids = fc.array(fc.nat(200), { minLength: 1, maxLength: 12 });

const answer = fc
  .record({ profile, question: text, options })
  .map((choice: Choice) => (model: Cuma) => model.answer(choice));
const route = fc.record({ profile, text }).map((request) => (model: Cuma) => model.route(request));
const logits = fc
  .tuple(fc.array(fc.tuple(ids, profile), { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([rows, all]) => (model: Cuma) => {
    const request = { inputIds: rows.map(([row]) => row), profiles: rows.map(([, reader]) => reader) };
    return all ? model.logits({ ...request, positions: "all" }) : model.logits(request);
  });
/** Fails at the door, or only once it runs. */
const failing = fc.constantFrom<Call>(
  (model) => model.answer({ profile: {}, question: "?", options: ["a"] }),
  (model) => model.route({ profile: {}, text: "very ".repeat(3000) }),
  (model) => model.logits({ inputIds: [[1], [2]], profiles: [{}] }),
);
const calls: fc.Arbitrary<Call[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: answer },
    { weight: 2, arbitrary: route },
    { weight: 2, arbitrary: logits },
    failing,
  ),
  { minLength: 2, maxLength: 10 },
);

const outcome = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    (value) => ({ value }),
    (error: unknown) => ({ error: String(error) }),
  );

describe.each(Object.keys(adapters) as (keyof typeof adapters)[])("%s", (name) => {
  let folder: string;
  beforeAll(async () => {
    folder = await trained(name, adapters[name]!);
  });

  test("calls at once give the bytes of calls in turn, whatever their mix", { timeout: 120_000 }, async () => {
    // Vectors of readers are kept: each run asks models that know none of them yet.
    const [together, inTurn] = [
      await loadCuma({ base: "demo", adapter: folder }),
      await loadCuma({ base: "demo", adapter: folder }),
    ];
    await fc.assert(
      fc.asyncProperty(calls, async (mix) => {
        const atOnce = await Promise.all(mix.map((call) => outcome(call(together))));
        const expected: unknown[] = [];
        for (const call of mix) expected.push(await outcome(call(inTurn)));
        expect(atOnce).toStrictEqual(expected);
      }),
      { numRuns: 8 },
    );
    await Promise.all([together.dispose(), inTurn.dispose()]);
  });
});

test.skipIf(miniLM === undefined)(`${needsModels}: MiniLM is among the encoders`, () => {
  expect(Object.keys(adapters)).toContain("CuMA, encoder MiniLM");
});

const choice: Choice = { profile: { country: "Avaria" }, question: "Do you trust the courts?", options: ["yes", "no"] };

test("two models over one cache of vectors do not disturb one another", async () => {
  const adapter = await trained("shared", adapters["CuMA, encoder base"]);
  const models = await Promise.all([1, 2, 3].map(() => loadCuma({ base: "demo", adapter })));
  const answers = await Promise.all(models.flatMap((model) => [model.answer(choice), model.answer(choice)]));
  for (const found of answers) expect(found).toStrictEqual(answers[0]);
  await Promise.all(models.map((model) => model.dispose()));
});

test("dispose waits for the calls made before it, and later ones are refused", async () => {
  const model = await loadCuma({ base: "demo" });
  const done: string[] = [];
  const first = model.answer(choice).then((found) => (done.push("first"), found));
  const second = model.logits({ inputIds: [[1, 2, 3]] }).then(() => done.push("second"));
  const disposed = model.dispose().then(() => done.push("dispose"));
  const refused = "the model has been disposed of";
  await expect(model.answer(choice)).rejects.toThrow(refused);
  await expect(model.route({ profile: {}, text: "a" })).rejects.toThrow(refused);
  await expect(model.logits({ inputIds: [[1]] })).rejects.toThrow(refused);
  await Promise.all([first, second, disposed, model.dispose()]);
  expect(done).toEqual(["first", "second", "dispose"]);
  expect((await first).distribution).toHaveLength(2);
  await model.dispose();
});

test("what the caller changes after a call does not change its answer", async () => {
  const model = await loadCuma({ base: "demo" });
  const mine = { profile: { country: "Avaria" }, question: choice.question, options: ["yes", "no"] };
  const [before, expected] = [model.answer(mine), model.answer(choice)];
  mine.options.push("maybe");
  mine.profile.country = "Cordane";
  expect(await before).toStrictEqual(await expected);
  await model.dispose();
});

test("two trainings at once write the same adapter as one by itself", { timeout: 120_000 }, async () => {
  const settings = adapters["CuMA, encoder base"];
  const [a, b] = await Promise.all([trained("at once 1", settings), trained("at once 2", settings)]);
  const weights = (folder: string): Buffer => readFileSync(join(folder, "adapter_model.safetensors"));
  const alone = weights(await trained("alone", settings));
  expect(weights(a).equals(alone) && weights(b).equals(alone)).toBe(true);
});
