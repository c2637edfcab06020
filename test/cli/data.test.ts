import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadWorldValuesBench } from "../../datasets/index.ts";
import { cuma } from "../support/cli.ts";

let root: string;
beforeAll(() => (root = mkdtempSync(join(tmpdir(), "cuma-data-"))));
afterAll(() => rmSync(root, { recursive: true, force: true }));

test("a raw survey file becomes the benchmark's files", async () => {
  const planted = join(root, "planted");
  await cuma(["data", "planted", "--out", planted, "--participants", "10", "--questions", "3"]);
  const metadata = JSON.parse(readFileSync(join(planted, "question_metadata.json"), "utf8")) as Record<string, object>;
  const columns = Object.keys(metadata);
  const rows = Array.from({ length: 20 }, (_, i) =>
    columns.map((name) => (name === "D_INTERVIEW" ? 1000 + i : name === "B_COUNTRY" ? 901 + (i % 8) : 1)),
  );
  const wvs = join(root, "wvs.csv");
  writeFileSync(wvs, [columns, ...rows].map((row) => row.join(";")).join("\n"));
  const out = join(root, "wvb");
  const args = ["data", "wvb", "--wvs", wvs, "--metadata", planted, "--out", out, "--json"];
  const run = await cuma(args);
  expect(run, run.stderr).toMatchObject({ code: 0 });
  expect(JSON.parse(run.stdout)).toMatchObject({ participants: { full: 20, train: 14, valid: 3, test: 3 } });
  const full = await loadWorldValuesBench(out, "full");
  expect([full.participants, full.length]).toEqual([20, 60]);
  expect(full.at(0).profile["country"]).toBe("Arvenland");

  const again = await cuma(args);
  expect(again).toMatchObject({ code: 1, stdout: "" });
  expect(again.stderr).toContain("--overwrite");
  expect(await cuma([...args, "--overwrite"])).toMatchObject({ code: 0, stdout: run.stdout });
});
