import { cpSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { answer, editJson, fresh, goodAdapter, goodBase, refusal, run, withGoodFiles } from "./badInput/support.ts";

withGoodFiles();

test("an adapter is run on another base only where that is asked for", async () => {
  const other = fresh("other");
  cpSync(goodBase, other, { recursive: true });
  editJson(join(other, "config.json"), (json) => (json["rope_theta"] = 20_000));
  const args = answer("--base", other, "--adapter", goodAdapter);
  expect(refusal(await run(args))).toContain("the adapter was trained on another base");
  const allowed = await run([...args, "--allow-other-base"]);
  expect(allowed).toMatchObject({ code: 0 });
  const same = await run(answer("--base", "demo", "--adapter", goodAdapter));
  expect(same).toMatchObject({ code: 0 });
  expect(allowed.stdout).not.toBe(same.stdout);
});
