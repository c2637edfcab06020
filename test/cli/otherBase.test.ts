import { cpSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { LanguageModel } from "../../src/app/model/languageModel.ts";
import {
  answer,
  copy,
  editJson,
  editTensors,
  fresh,
  goodAdapter,
  goodBase,
  refusal,
  run,
  withGoodFiles,
} from "./badInput/support.ts";

withGoodFiles();

test("a model is identified by the encoder that it is given, where its adapter names none", async () => {
  const adapter = copy(goodAdapter, (dir) => {
    editJson(join(dir, "adapter_config.json"), (json) => delete json["profile_encoder"]);
    editTensors(join(dir, "adapter_model.safetensors"), (tensors) => {
      delete tensors["profile_encoder.mean"];
      delete tensors["profile_encoder.scale"];
    });
  });
  const model = await LanguageModel.open({ base: "demo", adapter, encoder: "base" });
  const { encoder } = await model.identity();
  await model.dispose();
  expect(encoder).toMatch(/^[0-9a-f]{64}$/);
});

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
