import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadPlanted, loadWorldValuesBench } from "../../datasets/index.ts";
import { cuma } from "../support/cli.ts";
import { temporaryFolder } from "../support/folder.ts";

const root = temporaryFolder("data");

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

describe("data planted", () => {
  function specFile(content: string): string {
    const path = join(root, "spec.yaml");
    writeFileSync(path, content);
    return path;
  }
  interface Truth {
    readonly seed: number;
    readonly questions: object;
    readonly groups: readonly { readonly heldOut: boolean }[];
  }

  test("draws from a spec, whose knobs the flags override", async () => {
    const spec = specFile(
      "seed: 3\nparticipants: 30\nquestions: 5\nmodes: 2\ncountries: 3\nheldOut: 2\nanswers: distribution\n",
    );
    const [plain, changed] = [join(root, "plain"), join(root, "changed")];
    const run = await cuma(["data", "planted", "--spec", spec, "--out", plain]);
    expect(run, run.stderr).toMatchObject({ code: 0, stdout: `${plain}: planted data, seed 3\n` });
    const data = await loadPlanted(plain, "train");
    expect([data.participants, data.length, data.at(0).answer]).toEqual([21, 105, null]);

    const flags = ["--seed", "4", "--participants", "20", "--questions", "6", "--held-out", "1"];
    const again = await cuma(["data", "planted", "--spec", spec, ...flags, "--out", changed]);
    expect(again, again.stderr).toMatchObject({ code: 0, stdout: `${changed}: planted data, seed 4\n` });
    const [before, after] = [plain, changed].map(
      (dir) => JSON.parse(readFileSync(join(dir, "truth.json"), "utf8")) as Truth,
    ) as [Truth, Truth];
    const summary = ({ seed, questions, groups }: Truth) => [
      seed,
      Object.keys(questions).length,
      groups.length,
      groups.filter(({ heldOut }) => heldOut).length,
    ];
    expect([summary(before), summary(after)]).toEqual([
      [3, 5, 12, 2],
      [4, 6, 12, 1],
    ]);
  });

  test("the default is the data of the demo, seed 0", async () => {
    const out = join(root, "default");
    expect(await cuma(["data", "planted", "--out", out])).toMatchObject({ code: 0 });
    const hash = (name: string) =>
      createHash("sha256")
        .update(readFileSync(join(out, name)))
        .digest("hex");
    // The embedded base and the figures of the README were made with these bytes.
    expect(
      ["truth.json", "codebook.json", "train/train_value_qa.tsv", "test/test_demographic_qa.tsv"].map(hash),
    ).toEqual([
      "90960d750ec210143b3e88695815a59e969101e25f9326777a5ee2c0dc80d353",
      "0eabdca9096f806b7814afcfce3f0159c76db0ecc75907fd791ef6f0f7393c37",
      "44f5ceb5eb47aeb79795c89c7a0e6e6c9794da3ccf7e2e7a224aa7213b7980be",
      "47cc335b921d9d86e8fd21d98ed092d917b488c36f27dae49da696b016aa72f8",
    ]);
  });

  test.each([
    ["seed: 1\nmods: 3\n", [], /spec\.yaml:2: unknown key "mods"; did you mean "modes"\?$/],
    ["seed: 1\n\nmodes: 0\n", [], /spec\.yaml:3: "modes": expected a whole number from 2 to 8; found 0$/],
    ["heldOut: 25\n", [], /spec\.yaml:1: "heldOut": expected at most 24, .*; found 25$/],
    ["modes: 2\n", ["--held-out", "25"], /the command line: "heldOut": expected at most 24, .*; found 25$/],
    [
      "heldOut:\n  - { country: Belmroa, religion: Old Tide }\n",
      [],
      /spec\.yaml:2: "heldOut\.0\.country": unknown country "Belmroa"; .* did you mean "Belmora"\?$/,
    ],
    ["- a list\n", [], /spec\.yaml: expected a map of keys/],
    ["seed: [1\n", [], /spec\.yaml:\d: /],
  ])("%j %j is refused, and nothing is written", async (content, flags, says) => {
    const out = join(root, "never");
    const run = await cuma(["data", "planted", "--spec", specFile(content), ...flags, "--out", out]);
    expect(run).toMatchObject({ code: 2, stdout: "" });
    expect(run.stderr.trimEnd()).toMatch(says);
    expect(run.stderr).toMatch(/^error: /);
    expect(existsSync(out)).toBe(false);
  });

  test("a spec that is not there", async () => {
    const run = await cuma(["data", "planted", "--spec", join(root, "none.yaml"), "--out", join(root, "never")]);
    expect(run).toMatchObject({ code: 2, stdout: "" });
    expect(run.stderr).toContain("none.yaml: cannot be read: there is no such file or folder");
  });
});
