import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadCuma } from "../../src/index.ts";
import { needsModels, realModel } from "../support/models.ts";
import { cuma } from "../support/cli.ts";

const base = realModel("smollm2-135m-instruct");
const encoder = realModel("all-minilm-l6-v2");

describe.skipIf(base === undefined || encoder === undefined)(
  `SmolLM2-135M with MiniLM profiles ${base && encoder ? "" : needsModels}`,
  () => {
    let root: string;
    beforeAll(async () => {
      root = mkdtempSync(join(tmpdir(), "cuma-real-"));
      const made = await cuma(["data", "planted", "--out", join(root, "data"), "--participants", "40"]);
      expect(made.code).toBe(0);
    });
    afterAll(() => rmSync(root, { recursive: true, force: true }));

    test("trains, evaluates and answers", async () => {
      const [data, out] = [join(root, "data"), join(root, "adapter")];
      const set = [
        `encoder.model=${encoder!}`,
        "data.attributes=[country, religion]",
        "train.maxSteps=3",
        "train.batchSize=4",
        "train.lr=1e-3",
      ].flatMap((assignment) => ["--set", assignment]);
      const run = await cuma(["train", "--base", base!, "--data", data, "--out", out, ...set], {
        env: { ...process.env, CUMA_CACHE: join(root, "cache") },
      });
      expect(run, run.stderr).toMatchObject({ code: 0 });
      const { parameters } = JSON.parse(readFileSync(join(out, "run.json"), "utf8")) as {
        parameters: Record<string, number>;
      };
      // 30 layers: A and B of 8 experts of rank 8 on q (576 to 576) and v (576 to 192); a router 576 + 384 -> 256 -> 8.
      expect(parameters).toEqual({
        experts: 30 * 64 * (576 + 576 + 576 + 192),
        router: 30 * ((576 + 384 + 1) * 256 + 257 * 8),
        total: 11_128_560,
      });
      const evaluated = await cuma([
        ...["eval", "--base", base!, "--adapter", out, "--data", data, "--out", join(root, "test")],
        ...["--limit", "24", "--resamples", "20", "--json"],
      ]);
      expect(evaluated, evaluated.stderr).toMatchObject({ code: 0 });
      const { metrics } = JSON.parse(evaluated.stdout) as { metrics: Record<string, { value: number; n: number }> };
      expect(metrics["nll"]!.n).toBe(24);
      expect(metrics["nll"]!.value).toBeLessThan(5);

      const model = await loadCuma({ base: base!, adapter: out });
      const ask = (country: string) =>
        model.answer({ profile: { country }, question: "How are you?", options: ["Very well", "Badly"] });
      const [one, two] = [await ask("Belmora"), await ask("Fenmark")];
      expect(one.routing).toHaveLength(30);
      expect(one.routing[29]!.gates).not.toEqual(two.routing[29]!.gates);
      expect(one.distribution[0]! + one.distribution[1]!).toBeCloseTo(1, 6);
      await model.dispose();
    });
  },
);
