import { describe, expect, test } from "vitest";
import {
  answer,
  evaluate,
  fresh,
  goodAdapter,
  goodData,
  refusal,
  refused,
  run,
  set,
  textFile,
  train,
  withGoodFiles,
} from "./support.ts";

withGoodFiles();

/** `train` by a run file of these lines after the first two. */
const runFile =
  (...more: string[]) =>
  (): string[] => {
    const text = ["base: demo", `data: { dir: ${goodData} }`, ...more].join("\n");
    return ["train", textFile("run.yaml", `${text}\n`), "--out", fresh("out")];
  };

refused("a run file or a command line", 2, {
  "with an unknown key": [
    runFile("train:", "  batchSize: 4", "  batchSise: 4"),
    /run\.yaml:5: unknown key "train\.batchSise"; did you mean "batchSize"\?$/,
  ],
  "with an unknown key at the top": [runFile("trian: {}"), /run\.yaml:3: unknown key "trian"; did you mean "train"\?/],
  "with a key of another method": [
    runFile("adapter:", "  method: lora", "  numExperts: 4"),
    /run\.yaml:5: "adapter\.numExperts": unknown key of "lora" "numExperts"; expected one of method, targetModules, r, /,
  ],
  "with an unknown method": [
    runFile("adapter: { method: loar }"),
    /run\.yaml:3: "adapter\.method": unknown method "loar"; .*did you mean "lora"\?/,
  ],
  "with a wrong type": [
    runFile("train:", "  epochs: 2", "  lr: fast"),
    /run\.yaml:5: "train\.lr": expected number; found "fast"$/,
  ],
  "with several things wrong": [
    runFile("train:", "  epochs: 2.5", "  lr: .nan", "device: tpu"),
    /run\.yaml:4: "train\.epochs": expected int; found 2\.5\n.*:5: "train\.lr": expected number; found NaN\n.*:6: "device": expected one of .*; found "tpu"$/,
  ],
  "with a value out of range": [
    runFile("adapter:", "  topK: 9"),
    /run\.yaml:4: "adapter\.topK": expected at most numExperts; found 9/,
  ],
  "with a text for a map": [runFile("adapter: cuma"), /run\.yaml:3: "adapter": expected object; found "cuma"/],
  "without a base": [
    () => ["train", textFile("run.yaml", "data: { dir: x }\n")],
    /run\.yaml: "base": expected string; found nothing\n.*run\.yaml: "out": expected string; found nothing/,
  ],
  "that is not YAML": [runFile("train: { lr: 1", "out: x"), /run\.yaml:4: Flow map /],
  "with a key twice": [runFile("base: demo"), /run\.yaml:3: the key "base" comes twice in one map$/],
  "with an alias of nothing": [
    runFile("train: *nothing"),
    /run\.yaml:3: nothing before "\*nothing" has the anchor "&nothing"$/,
  ],
  "with aliases of aliases": [
    runFile(
      "a: &a [x,x,x,x,x,x,x,x,x,x]",
      ..."bcd".split("").map((name, i) => {
        const before = "abc"[i]!;
        return `${name}: &${name} [${Array.from("0123456789", () => `*${before}`).join()}]`;
      }),
    ),
    /run\.yaml:\d: aliases repeat more than 10,000 values$/,
  ],
  "with a map as a key": [runFile("? { a: b }", ": 3"), /run\.yaml:3: expected a text as key; found a map or a list$/],
  "that is a list": [
    () => ["train", textFile("run.yaml", "- a\n")],
    /run\.yaml: expected a map of keys, such as "key: value"/,
  ],
  "that is empty": [() => ["train", textFile("run.yaml", "")], /run\.yaml: expected a map of keys/],
  "that is not text": [
    () => ["train", textFile("run.yaml", Uint8Array.of(0xff, 0xfe))],
    /run\.yaml: is not UTF-8 text/,
  ],
  "that is not there": [() => ["train", fresh("run.yaml")], /run\.yaml: cannot be read: there is no such file/],
  "that is a folder": [() => ["train", goodData], /data: cannot be read: it is a folder; expected a file/],
  "that sets an unknown key": [
    () => [...runFile("train:", "  lr: 1", "  foo: 1")(), "--set", "train.batchSzie=2"],
    /run\.yaml:5: unknown key "train\.foo"; expected one of objective, .*\nthe command line: unknown key "train\.batchSzie"; did you mean "batchSize"\?$/,
  ],
  "that sets a wrong type": [set("train.lr=fast"), /the command line: "train\.lr": expected number; found "fast"/],
  "that sets nothing": [set("train.lr"), /--set train\.lr: expected key=value, such as train\.lr=1e-4/],
  "that sets what is not YAML": [set("train.lr=[1"), /--set train\.lr=\[1: Flow sequence /],
  "that sets an alias": [set("train.lr=*a"), /--set train\.lr=\*a: nothing before "\*a" has the anchor/],
  "that sets a key below a value": [
    () => [...runFile("train: { lr: 1 }")(), "--set", "train.lr.x=1"],
    /--set train\.lr\.x: "lr" is not a map of keys/,
  ],
  "that sets what every object has": [set("train.__proto__.lr=1"), /--set train\.__proto__\.lr=1: expected key=value/],
  "that resumes and overwrites": [
    () => train(undefined, "--resume", "--overwrite"),
    /--resume and --overwrite exclude each other/,
  ],
  "with a number in another form": [
    () => [...train(), "--threads", "1e3"],
    /option '--threads <n>' argument '1e3' is invalid\. Expected a whole number from 1 to 512\.$/,
  ],
  "with an unknown flag": [() => [...train(), "--sede", "1"], /unknown option '--sede'\n\(Did you mean --seed\?\)$/],
  "with too many arguments": [() => [...train(), "--", "--seed", "1"], /too many arguments for 'train'/],
  "with two documents": [
    runFile("---", "out: x"),
    /run\.yaml:3: expected one document; found another one after "---"$/,
  ],
  "with a text for truth": [
    runFile("encoder:", "  standardize: yes"),
    /run\.yaml:4: "encoder\.standardize": expected boolean; found "yes"$/,
  ],
  "with an unknown key in a merged map": [
    runFile("train:", "  <<: { lr: 1, ", "    batchSise: 4 }"),
    /run\.yaml:5: unknown key "train\.batchSise"; did you mean "batchSize"\?$/,
  ],
  "with 130,000 keys": [
    () => ["train", textFile("run.yaml", Array.from({ length: 130_000 }, (_, i) => `${i}:\n`).join(""))],
    /run\.yaml:1: unknown key "0"; expected one of base, [^]*\nand 129,98\d more things$/,
  ],
  "without a model to answer": [() => answer(), /expected --base <model>/],
  "with one option": [
    () => ["answer", "--base", "demo", "--question", "Tea?", "--option", "Yes"],
    /--option: expected 2 to 26 options; found 1/,
  ],
  "with half an attribute": [
    () => answer("--base", "demo", "--profile", "country"),
    /--profile country: expected name=value, such as country=Japan/,
  ],
  "with an attribute twice": [
    () => answer("--base", "demo", "--profile", "country=a", "--profile", "country=b"),
    /--profile country=b: "country" is given twice/,
  ],
});

describe.concurrent("--json", () => {
  const runs: Record<string, () => string[]> = {
    answer: () => answer("--base", "demo", "--adapter", goodAdapter, "--profile", "country=Belmora"),
    eval: () => evaluate(),
    preview: () => ["preview", "--base", "demo", "--data", goodData, "--out", "unused"],
    train: () => train(),
    "train --dry-run": () => train(undefined, "--dry-run"),
  };
  test.each(Object.entries(runs))("%s prints JSON and nothing else on standard output", async (_, args) => {
    const { code, stdout, stderr } = await run([...args(), "--json"]);
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toBeInstanceOf(Object);
  });

  test("what fails prints nothing there", async () => {
    expect(refusal(await run([...answer("--base", fresh("base")), "--json"]))).toContain("there is no such folder");
    expect(refusal(await run([...evaluate(undefined, "--split", "tst"), "--json"]))).toContain('did you mean "test"?');
  });
});
