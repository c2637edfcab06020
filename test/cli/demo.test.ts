import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { number } from "../../eval/format.ts";
import { cuma } from "../support/cli.ts";
import { temporaryFolder } from "../support/folder.ts";

const root = temporaryFolder("demo");

interface Row {
  readonly model: string;
  readonly groups: string;
  readonly trainableParameters: number;
  readonly metrics: Record<string, { value: number }>;
}

test(
  "the demo trains equal sizes, and its numbers say what the README says of them",
  { timeout: 900_000 },
  async () => {
    const out = join(root, "demo");
    const run = await cuma(["demo", "--out", out, "--json"]);
    expect(run, run.stderr).toMatchObject({ code: 0 });
    const { rows, report } = JSON.parse(run.stdout) as { rows: Row[]; report: string };
    expect(rows.map(({ model, groups }) => `${model}, ${groups}`)).toEqual(
      ["base", "LoRA", "LoRA + profile", "CuMA"].flatMap((model) => [`${model}, seen`, `${model}, held out`]),
    );
    const of = (model: string, groups: string): Row =>
      rows.find((row) => row.model === model && row.groups === groups)!;
    const trained = ["LoRA", "LoRA + profile", "CuMA"].map((model) => of(model, "seen").trainableParameters);
    expect(Math.max(...trained) / Math.min(...trained)).toBeLessThan(1.02);
    for (const groups of ["seen", "held out"]) {
      const [base, cumaRow] = [of("base", groups).metrics, of("CuMA", groups).metrics];
      expect(base["mci"]!.value).toBeGreaterThan(0.98);
      expect(cumaRow["mci"]!.value).toBeLessThan(0.7);
      expect(cumaRow["rho"]!.value).toBeGreaterThan(0.3);
      expect(cumaRow["groupEmd"]!.value).toBeLessThan(base["groupEmd"]!.value);
    }
    for (const file of [
      "cuma.yaml",
      "cuma/adapter/run.json",
      "cuma/test/results.json",
      "data/truth.json",
      "route.json",
    ]) {
      expect(existsSync(join(out, file)), file).toBe(true);
    }
    const page = readFileSync(report, "utf8");
    for (const row of rows) expect(page).toContain(number(row.metrics["mci"]!.value));
    expect(await cuma(["demo", "--out", out])).toMatchObject({ code: 1, stdout: "" });
  },
);
