import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packageRoot } from "../../src/app/index.ts";
import { encodeSafetensors, SafetensorsFile, type FloatTensor } from "../../src/io/index.ts";
import { cliPath, cuma, finished, startCuma, type CliResult } from "../support/cli.ts";

// What can be wrong with what a user gives. Each case damages a copy of something good and runs a command on it. The
// command must say on standard error what is wrong and where, and leave nothing that could be taken for a result.

const root = mkdtempSync(join(tmpdir(), "cuma-bad-"));
chmodSync(root, 0o755);
const env = { ...process.env, CUMA_CACHE: join(root, "cache"), HF_HUB_OFFLINE: "1", HF_HUB_CACHE: join(root, "hub") };
const goodBase = join(packageRoot, "assets", "demo-base");
const goodData = join(root, "data");
const goodAdapter = join(root, "adapter");
const planted = ["--seed", "1", "--participants", "40", "--questions", "4"];

beforeAll(async () => {
  expect(await run(["data", "planted", "--out", goodData, ...planted])).toMatchObject({ code: 0 });
  expect(await run(train(goodAdapter))).toMatchObject({ code: 0 });
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

function run(args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<CliResult> {
  return cuma(args, { env: { ...env, ...more } });
}

/** What a command that failed as it should says after its progress. */
function refusal({ code, signal, stdout, stderr }: CliResult, expectedCode = 1): string {
  expect({ code, signal, stdout }, stderr).toEqual({ code: expectedCode, signal: null, stdout: "" });
  expect(stderr).not.toMatch(/^ +at |node:|\.js:\d|undefined|\[object/m);
  expect(stderr.match(/^error: /gm), stderr).toHaveLength(1);
  return stderr.slice(stderr.indexOf("error: ")).trimEnd();
}

type Case = readonly [args: () => readonly string[], says: RegExp, env?: NodeJS.ProcessEnv];

function refused(title: string, code: number, cases: Readonly<Record<string, Case>>): void {
  describe.concurrent(title, () => {
    test.each(Object.entries(cases))("%s", async (_, [makeArgs, says, more]) => {
      const args = makeArgs();
      expect(refusal(await run(args, more), code)).toMatch(says);
      const out = args.at(args.lastIndexOf("--out") + 1)!;
      if (args.includes("--out") && /\/\d+-out$/.test(out) && existsSync(out)) expect(readdirSync(out)).toEqual([]);
    });
  });
}

let made = 0;
/** A path in the temporary folder that nothing has used. */
const fresh = (name: string): string => join(root, `${++made}-${name}`);

function textFile(name: string, content: string | Uint8Array): string {
  const path = fresh(name);
  writeFileSync(path, content);
  return path;
}

function copy(folder: string, damage: (dir: string) => void): string {
  const dir = fresh("copy");
  cpSync(folder, dir, { recursive: true });
  damage(dir);
  return dir;
}

type Json = Record<string, unknown>;
function editJson(path: string, edit: (json: Json) => unknown): void {
  const json = JSON.parse(readFileSync(path, "utf8")) as Json;
  edit(json);
  writeFileSync(path, JSON.stringify(json));
}

function editTensors(path: string, edit: (tensors: Record<string, FloatTensor>) => unknown): void {
  const file = new SafetensorsFile(path);
  const tensors = Object.fromEntries(file.names.map((name) => [name, file.read(name)]));
  file.close();
  edit(tensors);
  writeFileSync(path, encodeSafetensors(tensors));
}

function overwrite(path: string, at: number, bytes: Uint8Array): void {
  const fd = openSync(path, "r+");
  writeSync(fd, bytes, 0, bytes.length, at);
  closeSync(fd);
}

const answer = (...more: string[]): string[] => [
  ...["answer", "--question", "Tea?", "--option", "Yes", "--option", "No", ...more],
];
function train(out = fresh("out"), ...more: string[]): string[] {
  const set = ["train.maxSteps=2", "train.batchSize=4", "adapter.numExperts=2", "adapter.routerHidden=8"];
  return [
    ...["train", "--base", "demo", "--data", goodData, "--out", out],
    ...["data.attributes=[country, religion]", ...set].flatMap((assignment) => ["--set", assignment]),
    ...more,
  ];
}
const evaluate = (out = fresh("out"), ...more: string[]): string[] => [
  ...["eval", "--base", "demo", "--data", goodData, "--out", out, "--resamples", "20", ...more],
];

/** `answer` on a damaged base. */
const base =
  (damage: (dir: string) => void): (() => string[]) =>
  () =>
    answer("--base", copy(goodBase, damage));
const config = (edit: (json: Json) => unknown): (() => string[]) =>
  base((dir) => {
    editJson(join(dir, "config.json"), edit);
  });
const weights = (edit: (path: string) => void): (() => string[]) =>
  base((dir) => {
    edit(join(dir, "model.safetensors"));
  });
const tensors = (edit: (tensors: Record<string, FloatTensor>) => unknown): (() => string[]) =>
  weights((path) => {
    editTensors(path, edit);
  });
const write =
  (name: string, content: string) =>
  (dir: string): void => {
    writeFileSync(join(dir, name), content);
  };
const remove =
  (name: string) =>
  (dir: string): void => {
    rmSync(join(dir, name), { recursive: true });
  };
const rename =
  (from: string, to: string) =>
  (dir: string): void => {
    renameSync(join(dir, from), join(dir, to));
  };

/** A base in two shards, damaged. */
const sharded = (damage: (dir: string) => void): (() => string[]) =>
  base((dir) => {
    const whole = join(dir, "model.safetensors");
    const shards: Record<string, FloatTensor>[] = [{}, {}];
    const shardOf: Record<string, string> = {};
    editTensors(whole, (all) => {
      for (const [i, [name, tensor]] of Object.entries(all).entries()) {
        shards[i % 2]![name] = tensor;
        shardOf[name] = `shard-${i % 2}.safetensors`;
      }
    });
    rmSync(whole);
    for (const [i, shard] of shards.entries()) {
      writeFileSync(join(dir, `shard-${i}.safetensors`), encodeSafetensors(shard));
    }
    writeFileSync(join(dir, "model.safetensors.index.json"), JSON.stringify({ weight_map: shardOf }));
    damage(dir);
  });

const NORM = "model.norm.weight";

refused("a base", 1, {
  "without weights": [
    base(remove("model.safetensors")),
    /copy: expected model\.safetensors or model\.safetensors\.index\.json, found neither$/,
  ],
  "with pickled weights only": [
    base(rename("model.safetensors", "pytorch_model.bin")),
    /copy: expected model\.safetensors .* found only pytorch_model\.bin; pickled weights are not read/,
  ],
  "with truncated weights": [
    weights((path) => {
      truncateSync(path, statSync(path).size - 100);
    }),
    /copy\/model\.safetensors: expected \d+ bytes by its header, found \d+ \(the file is truncated\)/,
  ],
  "with 3 bytes of weights": [
    weights((path) => {
      truncateSync(path, 3);
    }),
    /model\.safetensors: expected a safetensors file, found 3 bytes/,
  ],
  "with a folder for weights": [
    base((dir) => {
      rmSync(join(dir, "model.safetensors"));
      mkdirSync(join(dir, "model.safetensors"));
    }),
    /model\.safetensors: cannot be read: it is a folder; expected a file/,
  ],
  "with a header longer than the file": [
    weights((path) => {
      overwrite(path, 0, Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 0));
    }),
    /model\.safetensors: the header says it is 16\.8 MB long; expected at most 3\.\d+ MB/,
  ],
  "with a header that is not JSON": [
    weights((path) => {
      overwrite(path, 8, new TextEncoder().encode("nope"));
    }),
    /model\.safetensors: the header is not JSON/,
  ],
  "with NaN": [
    tensors((all) => (all["model.layers.1.mlp.up_proj.weight"]!.data[5] = NaN)),
    /model\.safetensors: tensor "model\.layers\.1\.mlp\.up_proj\.weight" holds NaN at element 5; expected finite numbers/,
  ],
  "with infinity": [
    tensors((all) => (all[NORM]!.data[1] = -Infinity)),
    /tensor "model\.norm\.weight" holds -Infinity at element 1; expected finite numbers/,
  ],
  "with a tensor of another shape": [
    tensors((all) => (all[NORM] = { data: all[NORM]!.data, shape: [2, all[NORM]!.data.length / 2] })),
    /model\.safetensors: tensor "model\.norm\.weight": expected shape \[\d+\] by config\.json, found \[2, \d+\]/,
  ],
  "without a tensor": [
    tensors((all) => Reflect.deleteProperty(all, NORM)),
    /copy: tensor "model\.norm\.weight" is missing; config\.json asks for it with shape \[\d+\]/,
  ],
  "without a shard": [
    sharded(remove("shard-1.safetensors")),
    /copy\/shard-1\.safetensors: cannot be opened: there is no such file/,
  ],
  "with a shard that lacks a tensor": [
    sharded((dir) => {
      cpSync(join(dir, "shard-0.safetensors"), join(dir, "shard-1.safetensors"));
    }),
    /copy\/shard-1\.safetensors: tensor "[\w.]+" is missing; .*model\.safetensors\.index\.json says it is here/,
  ],
  "with a shard outside of the folder": [
    sharded((dir) => {
      editJson(join(dir, "model.safetensors.index.json"), (json) => {
        (json["weight_map"] as Json)[NORM] = "../other.safetensors";
      });
    }),
    /index\.json: tensor "model\.norm\.weight" is in "\.\.\/other\.safetensors"; expected .* in the same folder/,
  ],
  "with an index without a map": [
    sharded(write("model.safetensors.index.json", "{}")),
    /index\.json: "weight_map": expected record; found nothing/,
  ],
  "without config.json": [base(remove("config.json")), /copy\/config\.json: cannot be read: there is no such file/],
  "with a cut-off config.json": [base(write("config.json", '{ "model_type": ')), /config\.json: is not JSON: /],
  "with a list for config.json": [base(write("config.json", "[]")), /config\.json: expected object; found \[\]/],
  "without hidden_size": [
    config((json) => delete json["hidden_size"]),
    /copy\/config\.json: "hidden_size": expected number; found nothing$/,
  ],
  "without model_type": [
    config((json) => delete json["model_type"]),
    /config\.json: "model_type": expected string; found nothing/,
  ],
  "with a text for a number": [
    config((json) => (json["num_hidden_layers"] = "4")),
    /config\.json: "num_hidden_layers": expected number; found "4"/,
  ],
  "with heads that do not divide": [
    config((json) => (json["num_key_value_heads"] = 3)),
    /config\.json: expected num_attention_heads to be a multiple of num_key_value_heads, found 4 and 3/,
  ],
  "of another model_type": [
    config((json) => (json["model_type"] = "gpt_neox")),
    /config\.json: unknown model_type "gpt_neox"; expected one of llama, mistral, /,
  ],
  "with another rope_type": [
    config((json) => (json["rope_scaling"] = { rope_type: "yarn", factor: 4 })),
    /config\.json: rope_type "yarn" is not supported; expected "default" or "llama3"/,
  ],
  "with half of llama3's rope": [
    config((json) => (json["rope_scaling"] = { rope_type: "llama3", factor: 4 })),
    /config\.json: "rope_scaling\.low_freq_factor": expected number; found nothing/,
  ],
  "with another activation": [
    config((json) => (json["hidden_act"] = "gelu")),
    /config\.json: hidden_act "gelu" is not supported; expected "silu"/,
  ],
  "that is quantised": [
    config((json) => (json["quantization_config"] = { bits: 4 })),
    /config\.json: quantization_config is not supported; expected unquantised weights/,
  ],
  "whose tokenizer disagrees with vocab_size": [
    config((json) => (json["vocab_size"] = 1000)),
    /tokenizer\.json: has token id \d+, but .*config\.json gives the model a vocab_size of 1000/,
  ],
  "without a tokenizer": [
    base(remove("tokenizer.json")),
    /copy\/tokenizer\.json: cannot be read: there is no such file/,
  ],
  "with another JSON for a tokenizer": [
    base(write("tokenizer.json", '{ "version": "1.0" }')),
    /tokenizer\.json: expected a tokenizer; "model": expected object; found nothing/,
  ],
  "with another tokenizer model": [
    base((dir) => {
      editJson(join(dir, "tokenizer.json"), (json) => ((json["model"] as Json)["type"] = "Magic"));
    }),
    /tokenizer\.json: expected a tokenizer; "model\.type": expected one of .*"Unigram"; found "Magic"/,
  ],
  "with another pre-tokenizer": [
    base((dir) => {
      editJson(join(dir, "tokenizer.json"), (json) => (json["pre_tokenizer"] = { type: "Magic" }));
    }),
    /tokenizer\.json: is not a tokenizer that can be read: .*Magic/,
  ],
  "with a number for a special token": [
    base((dir) => {
      editJson(join(dir, "tokenizer_config.json"), (json) => (json["bos_token"] = 5));
    }),
    /tokenizer_config\.json: "bos_token": .*; found 5/,
  ],
  "with a chat template that throws": [
    base(write("chat_template.jinja", "{{ raise_exception('no cats') }}")),
    /copy\/chat_template\.jinja: the chat template fails: no cats/,
  ],
  "with a chat template that is none": [
    base(write("chat_template.jinja", "{% for %}")),
    /copy\/chat_template\.jinja: the chat template cannot be read: /,
  ],
  "that is not there": [() => answer("--base", fresh("base")), /base: there is no such folder/],
  "that is a file": [
    () => answer("--base", join(goodData, "truth.json")),
    /truth\.json: is a file; expected the folder of a model/,
  ],
  "that is a link to nothing": [
    () => {
      const link = fresh("link");
      symlinkSync(fresh("nothing"), link);
      return answer("--base", link);
    },
    /link: there is no such folder/,
  ],
  "of the hub, without the network": [
    () => answer("--base", "org/name"),
    /model "org\/name" \(main\) is not in the cache \S+\/hub, and the network is not to be used; give the folder/,
  ],
  "by no such name": [() => answer("--base", "demmo"), /"demmo" is neither an existing folder nor a hub id/],
  "that is damaged, in training": [
    () => train(undefined, "--base", copy(goodBase, remove("config.json"))),
    /config\.json: cannot be read: there is no such file/,
  ],
  "that is damaged, in an evaluation": [
    () => evaluate(undefined, "--base", copy(goodBase, remove("model.safetensors"))),
    /copy: expected model\.safetensors/,
  ],
});

/** `train` on damaged data. */
const data =
  (damage: (dir: string) => void): (() => string[]) =>
  () =>
    train(undefined, "--data", copy(goodData, damage));
const VALUES = "train/train_value_qa.tsv";
const PEOPLE = "train/train_demographic_qa.tsv";
/** Lines of a table, without their ends, are changed; the first is the header. */
const lines = (name: string, edit: (lines: string[]) => unknown): (() => string[]) =>
  data((dir) => {
    const all = readFileSync(join(dir, name), "utf8").split("\n");
    edit(all);
    writeFileSync(join(dir, name), all.join("\n"));
  });
/** One cell; lines and columns from 1. */
const cell = (name: string, line: number, column: number, text: string): (() => string[]) =>
  lines(
    name,
    (all) =>
      (all[line - 1] = all[line - 1]!.split("\t")
        .with(column - 1, text)
        .join("\t")),
  );
const predictions = (text: string): string[] => [
  ...["eval", "--predictions", textFile("predictions.tsv", text), "--data", goodData, "--split", "test"],
];

refused("data", 1, {
  "without a column of the profile": [
    cell(PEOPLE, 1, 4, "AGE"),
    /train_demographic_qa\.tsv:1: expected the columns X003R; found D_INTERVIEW, .*AGE/,
  ],
  "without a question": [cell(VALUES, 1, 3, "Q0"), /train_value_qa\.tsv:1: expected the columns Q2; found .*Q0/],
  "with an unknown question": [
    lines(VALUES, (all) => (all[0] = `${all[0]!}\tQ5`)),
    /train_value_qa\.tsv:1: unknown question column "Q5"; expected one of D_INTERVIEW, Q1, Q2, Q3, Q4/,
  ],
  "with a column twice": [
    lines(VALUES, (all) => (all[0] = `${all[0]!}\tQ4`)),
    /train_value_qa\.tsv:1: expected each column once; found Q4 twice/,
  ],
  "with a text for an integer": [
    cell(VALUES, 7, 3, "two"),
    /train_value_qa\.tsv:7: Q2: expected an integer or nothing; found "two"/,
  ],
  "with a fraction": [cell(VALUES, 7, 3, "2.5"), /:7: Q2: expected an integer or nothing; found "2\.5"/],
  "with an answer off its scale": [
    cell(VALUES, 9, 2, "17"),
    /train_value_qa\.tsv:9: Q1: expected an answer from 1 to \d; found "17"/,
  ],
  "with a short row": [
    lines(VALUES, (all) => (all[4] = all[4]!.split("\t").slice(0, 3).join("\t"))),
    /train_value_qa\.tsv:5: expected 5 fields; found 3/,
  ],
  "with a participant twice": [
    lines(VALUES, (all) => (all[3] = all[2]!)),
    /train_value_qa\.tsv:4: D_INTERVIEW: expected each participant once; found \d+ on line 3 too/,
  ],
  "with a participant twice in the other table": [
    lines(PEOPLE, (all) => (all[3] = all[2]!)),
    /train_demographic_qa\.tsv:4: D_INTERVIEW: expected each participant once; found \d+ on line 3 too/,
  ],
  "with answers of nobody": [
    cell(VALUES, 3, 1, "777"),
    /train_value_qa\.tsv:3: D_INTERVIEW: expected a participant of \S+demographic_qa\.tsv; found 777/,
  ],
  "with a stray quote": [cell(PEOPLE, 6, 2, 'Be"l'), /train_demographic_qa\.tsv:6: Invalid Opening Quote/],
  "with an open quote": [cell(PEOPLE, 6, 2, '"Bel'), /train_demographic_qa\.tsv:\d+: Quote Not Closed/],
  "that is not UTF-8": [
    data((dir) => {
      overwrite(join(dir, PEOPLE), readFileSync(join(dir, PEOPLE)).indexOf("Arven"), Uint8Array.of(0xff));
    }),
    /train_demographic_qa\.tsv: is not UTF-8 text/,
  ],
  "that is an empty file": [data(write(VALUES, "")), /:1: expected the columns D_INTERVIEW, .*; found nothing/],
  "without a row": [
    data((dir) => {
      for (const name of [VALUES, PEOPLE]) {
        writeFileSync(join(dir, name), `${readFileSync(join(dir, name), "utf8").split("\n")[0]!}\n`);
      }
    }),
    /copy: the split "train" has no examples/,
  ],
  "with a folder for a file": [
    data((dir) => {
      rmSync(join(dir, VALUES));
      mkdirSync(join(dir, VALUES));
    }),
    /train_value_qa\.tsv: cannot be read: it is a folder; expected a file/,
  ],
  "without a file": [data(remove(VALUES)), /copy: expected a file train\/train_value_qa\.tsv or .*; found none/],
  "with a codebook that is not JSON": [data(write("codebook.json", "{")), /copy\/codebook\.json: is not JSON: /],
  "with a text for a bound": [
    data((dir) => {
      editJson(join(dir, "question_metadata.json"), (json) => ((json["Q2"] as Json)["answer_scale_max"] = "4"));
    }),
    /question_metadata\.json: "Q2\.answer_scale_max": expected number; found "4"/,
  ],
  "that is not there": [() => train(undefined, "--data", fresh("data")), /data: cannot be read: there is no such file/],
  "that is a file": [
    () => train(undefined, "--data", join(goodData, "truth.json")),
    /truth\.json: cannot be read: it is a file; expected a folder/,
  ],
  "of no such split": [
    () => train(undefined, "--set", "data.split=trian"),
    /unknown split "trian"; expected one of train, valid, test, full; did you mean "train"\?/,
  ],
  "without an attribute": [
    () => train(undefined, "--set", "data.attributes=[country, relligion]"),
    /data\.attributes: unknown attribute "relligion"; expected one of country, .*; did you mean "religion"\?/,
  ],
  "without an attribute, in an evaluation": [
    () => evaluate(undefined, "--by", "contry"),
    /by: unknown attribute "contry"; expected one of country, .*; did you mean "country"\?/,
  ],
  "with a text for an integer, in an evaluation": [
    () => evaluate(undefined, "--split", "train", "--data", cell(VALUES, 4, 2, "x")().at(-1)!),
    /train_value_qa\.tsv:4: Q1: expected an integer or nothing; found "x"/,
  ],
  "of another survey": [
    () => ["data", "wvb", "--wvs", join(goodData, VALUES), "--metadata", goodData, "--out", fresh("out")],
    /train_value_qa\.tsv:1: expected the columns D_INTERVIEW, B_COUNTRY, .*; found 1 column/,
  ],
  "of no survey": [
    () => ["data", "wvb", "--wvs", fresh("wvs.csv"), "--metadata", goodData, "--out", fresh("out")],
    /wvs\.csv: cannot be read: there is no such file/,
  ],
  "in predictions without scores": [
    () => predictions("QUESTION_ID\tPARTICIPANT_ID\nQ1\t1\n"),
    /predictions\.tsv: header: expected the columns QUESTION_ID, PARTICIPANT_ID, SCORE; found QUESTION_ID, PARTICIPANT_ID/,
  ],
  "in predictions of nobody": [
    () => predictions("QUESTION_ID\tPARTICIPANT_ID\tSCORE\nQ1\t1\t2\n"),
    /predictions\.tsv: expected predictions for people with an answer; none of 1 has one/,
  ],
});

/** `train` by a run file of these lines after the first two. */
const runFile =
  (...more: string[]) =>
  (): string[] => {
    const text = ["base: demo", `data: { dir: ${goodData} }`, ...more].join("\n");
    return ["train", textFile("run.yaml", `${text}\n`), "--out", fresh("out")];
  };
const set = (assignment: string) => (): string[] => train(undefined, "--set", assignment);

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
  "with a key twice": [runFile("base: demo"), /run\.yaml:3: Map keys must be unique/],
  "with an alias of nothing": [runFile("train: *nothing"), /run\.yaml: Unresolved alias .*: nothing/],
  "with aliases of aliases": [
    runFile(
      "a: &a [x,x,x,x,x,x,x,x,x,x]",
      ..."bcd".split("").map((name, i) => {
        const before = "abc"[i]!;
        return `${name}: &${name} [${Array.from("0123456789", () => `*${before}`).join()}]`;
      }),
    ),
    /run\.yaml: Excessive alias count/,
  ],
  "with a map as a key": [runFile("? { a: b }", ": 3"), /run\.yaml: unknown key "\{ a: b \}"/],
  "that is a list": [
    () => ["train", textFile("run.yaml", "- a\n")],
    /run\.yaml: expected a map of keys such as "base: /,
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
  "that sets what is not YAML": [set("train.lr=[1"), /--set train\.lr=\[1: the value is not YAML/],
  "that sets an alias": [set("train.lr=*a"), /--set train\.lr=\*a: Unresolved alias/],
  "that sets a key below a value": [
    () => [...runFile("train: { lr: 1 }")(), "--set", "train.lr.x=1"],
    /--set train\.lr\.x: "lr" is not a map of keys/,
  ],
  "that sets what every object has": [set("train.__proto__.lr=1"), /--set train\.__proto__\.lr=1: expected key=value/],
  "that resumes and overwrites": [
    () => train(undefined, "--resume", "--overwrite"),
    /--resume and --overwrite exclude each other/,
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

/** `answer` on the demo base with a damaged adapter. */
const adapter =
  (damage: (dir: string) => void): (() => string[]) =>
  () =>
    answer("--base", "demo", "--adapter", copy(goodAdapter, damage));
const adapterConfig = (edit: (json: Json) => unknown): (() => string[]) =>
  adapter((dir) => {
    editJson(join(dir, "adapter_config.json"), edit);
  });

refused("an adapter", 1, {
  "that is not there": [
    () => answer("--base", "demo", "--adapter", fresh("adapter")),
    /adapter\/adapter_config\.json: cannot be read: there is no such file/,
  ],
  "without a configuration": [
    adapter(remove("adapter_config.json")),
    /copy\/adapter_config\.json: cannot be read: there is no such file/,
  ],
  "whose configuration is not one": [
    adapter(write("adapter_config.json", "{}")),
    /copy\/adapter_config\.json: "peft_type": expected string; found nothing/,
  ],
  "whose configuration is a list": [
    adapter(write("adapter_config.json", "[]")),
    /adapter_config\.json: expected object; found \[\]/,
  ],
  "whose configuration is not JSON": [
    adapter(write("adapter_config.json", "peft_type: LORA")),
    /adapter_config\.json: is not JSON/,
  ],
  "of another method": [
    adapterConfig((json) => (json["peft_type"] = "IA3")),
    /adapter_config\.json: peft_type "IA3" is not supported; expected one of CuMA, LORA, /,
  ],
  "without its rank": [
    adapterConfig((json) => delete json["lora_r"]),
    /adapter_config\.json: "lora_r": expected number; found nothing/,
  ],
  "of another rank": [
    adapterConfig((json) => (json["lora_r"] = 4)),
    /adapter_model\.safetensors: tensor "\S+lora_a\.0": expected shape \[4, \d+\] for this base, found \[8, \d+\]/,
  ],
  "for modules that the base lacks": [
    adapterConfig((json) => (json["target_modules"] = json["target_modules_lora"] = ["query"])),
    /adapter_config\.json: .*unknown module "query"; expected one of q_proj, /,
  ],
  "for a wider base": [
    adapterConfig((json) => (json["hidden_size"] = 4096)),
    /adapter_config\.json: the adapter was made for a base with hidden_size 4096; this base has \d+/,
  ],
  "for a deeper base": [
    () => [...config((json) => (json["num_hidden_layers"] = 3))(), "--adapter", goodAdapter],
    /adapter_model\.safetensors: tensor "model\.layers\.3\.\S+" fits no module that \S+ and the base have/,
  ],
  "whose profiles another base has encoded": [
    () => [...config((json) => (json["rope_theta"] = 20_000))(), "--adapter", goodAdapter],
    /encoder "base": its files are not those the adapter was trained with \(SHA-256 \w+…, expected \w+…\)/,
  ],
  "without tensors": [
    adapter(remove("adapter_model.safetensors")),
    /adapter_model\.safetensors: cannot be opened: there is no such file/,
  ],
  "with pickled tensors only": [
    adapter(rename("adapter_model.safetensors", "adapter_model.bin")),
    /copy: expected adapter_model\.safetensors, found only adapter_model\.bin; pickled weights are not read/,
  ],
  "with truncated tensors": [
    adapter((dir) => {
      truncateSync(join(dir, "adapter_model.safetensors"), 10_000);
    }),
    /adapter_model\.safetensors: expected \d+ bytes by its header, found 10000 \(the file is truncated\)/,
  ],
  "with NaN": [
    adapter((dir) => {
      editTensors(join(dir, "adapter_model.safetensors"), (all) => (Object.values(all)[3]!.data[0] = NaN));
    }),
    /adapter_model\.safetensors: tensor "\S+" holds NaN at element 0/,
  ],
  "of a run that has not come to its end": [
    () => {
      const dir = fresh("run");
      cpSync(goodAdapter, join(dir, "checkpoint-1"), { recursive: true });
      return answer("--base", "demo", "--adapter", dir);
    },
    /run\/adapter_config\.json: cannot be read: there is no such file/,
  ],
  "for a profile with an unknown attribute": [
    () => answer("--base", "demo", "--adapter", goodAdapter, "--profile", "contry=Belmora"),
    /profile: unknown attribute "contry"; expected one of country, religion; did you mean "country"\?/,
  ],
  "for modules that the base lacks, in training": [
    set("adapter.targetModules=[q_prj]"),
    /adapter\.targetModules: unknown module "q_prj"; .*did you mean "q_proj"\?/,
  ],
  "with an encoder that is no such folder": [set("encoder.model=./nowhere"), /\.\/nowhere: there is no such folder/],
  "with a cache that cannot be written": [
    () => train(undefined, "--set", "data.attributes=[age]"),
    /truth\.json\S*: cannot be written: .*; set CUMA_CACHE to a folder that can be written/,
    { CUMA_CACHE: join(goodData, "truth.json") },
  ],
});

/** A folder that holds this file. */
const folderWith = (name: string, content: string): string => {
  const dir = fresh("run");
  mkdirSync(join(dir, name, ".."), { recursive: true });
  writeFileSync(join(dir, name), content);
  return dir;
};
const lockOf = (content: string): string => folderWith("lock", content);

refused("an output folder", 1, {
  "that is not empty": [
    () => train(folderWith("notes.txt", "mine")),
    /run: the output folder is not empty \(notes\.txt\); give another folder, --overwrite to .*, or --resume/,
  ],
  "that is not empty, in an evaluation": [
    () => evaluate(folderWith("notes.txt", "mine")),
    /run: the output folder is not empty \(notes\.txt\)/,
  ],
  "that is not empty, for data": [
    () => ["data", "planted", "--out", folderWith("notes.txt", "mine")],
    /run: the output folder is not empty \(notes\.txt\)/,
  ],
  "that is a file": [
    () => train(join(goodData, "truth.json")),
    /truth\.json: cannot be made: it is a file; expected a folder/,
  ],
  "in a file": [
    () => train(join(goodData, "truth.json", "out")),
    /truth\.json\/out: cannot be made: it is a file; expected a folder/,
  ],
  "in a file, for data": [
    () => ["data", "planted", "--out", join(goodData, "truth.json", "out")],
    /truth\.json\/out: cannot be made: it is a file; expected a folder/,
  ],
  "where another process writes": [
    () => train(lockOf(JSON.stringify({ pid: process.pid, host: hostname() }))),
    /run: another run is writing here \(process \d+ on \S+\); if that is not so, remove \S+run\/lock/,
  ],
  "where another process writes data": [
    () => ["data", "planted", "--out", lockOf(JSON.stringify({ pid: process.pid, host: hostname() })), "--overwrite"],
    /run: another run is writing here/,
  ],
  "with a lock that says nothing": [() => train(lockOf("null")), /run: another run is writing here; if that is not so/],
  "with a damaged checkpoint": [
    () => train(folderWith("checkpoint-1/state.json", "{"), "--resume"),
    /checkpoint-1\/state\.json: is not JSON/,
  ],
  "with a checkpoint of something else": [
    () => train(folderWith("checkpoint-1/state.json", '{ "step": 1 }'), "--resume"),
    /checkpoint-1\/state\.json: "identity": expected record; found nothing/,
  ],
  "with a checkpoint without its state": [
    () => train(folderWith("checkpoint-1/notes.txt", ""), "--resume"),
    /checkpoint-1\/state\.json: cannot be read: there is no such file/,
  ],
  "with another run that is complete": [
    () => train(goodAdapter, "--resume", "--set", "train.lr=5", "--set", "adapter.r=4"),
    /adapter: the run in this folder is another one; .*equal:\n +adapter\.r: 8 in the folder, 4 now\n +train\.lr: \S+ in the folder, 5 now$/,
  ],
  "with a damaged evaluation": [
    () => evaluate(folderWith("partial.jsonl", '{ "split": "valid" }\n'), "--resume"),
    /partial\.jsonl: belongs to another evaluation: .*split is "valid" there and "test" here/,
  ],
});

/** The file-size limit of `ulimit -f`, in units of 1024 bytes. */
function limited(kilobytes: number, args: readonly string[]): Promise<CliResult> {
  const command = ["-c", `ulimit -f ${kilobytes} && exec "$@"`, "cuma", process.execPath, cliPath, ...args];
  return finished(spawn("bash", command, { env, stdio: ["ignore", "pipe", "pipe"] }));
}

const canMount = ((): boolean => {
  const dir = fresh("mount");
  mkdirSync(dir);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "cuma-test", dir], { stdio: "ignore" });
    execFileSync("umount", [dir]);
    return true;
  } catch {
    return false;
  }
})();
const bytes = (folder: string, name: string): Buffer => readFileSync(join(folder, name));
const TENSORS = "adapter_model.safetensors";

describe.concurrent("a disk without room", () => {
  test.skipIf(!canMount)(
    `keeps the last checkpoint of a run ${canMount ? "" : "(needs to mount a tmpfs)"}`,
    async () => {
      const disk = fresh("disk");
      mkdirSync(disk);
      // A checkpoint is the adapter and two moments of every parameter: the first has room, the second beside it has not.
      const size = Math.round(4.5 * statSync(join(goodAdapter, TENSORS)).size);
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "cuma-test", disk]);
      try {
        const out = join(disk, "run");
        const args = train(out, "--set", "train.maxSteps=3", "--set", "train.saveEvery=1");
        const whole = run(train(fresh("whole"), "--set", "train.maxSteps=3", "--set", "train.saveEvery=1"));
        expect(refusal(await run(args))).toMatch(/checkpoint-2\S*: cannot be written: the disk is full$/);
        expect(readdirSync(out).sort()).toEqual(["checkpoint-1", "log.jsonl"]);
        expect(refusal(await run(answer("--base", "demo", "--adapter", out)))).toContain("adapter_config.json");
        execFileSync("mount", ["-o", "remount,size=16m", disk]);
        const resumed = await run([...args, "--resume"]);
        expect(resumed, resumed.stderr).toMatchObject({ code: 0 });
        expect(resumed.stderr).toContain("resuming after step 1 of 3");
        const folder = (await whole).stdout.trim().replace("trained: ", "");
        expect(bytes(out, TENSORS).equals(bytes(folder, TENSORS))).toBe(true);
      } finally {
        execFileSync("umount", [disk]);
      }
    },
  );

  test("stops a run at its result, which resumes to the same bytes", async () => {
    const out = fresh("run");
    expect(refusal(await limited(16, train(out)))).toMatch(
      /adapter_model\.safetensors: cannot be written: the file-size/,
    );
    expect(readdirSync(out).filter((name) => !/^(adapter_config\.json|log\.jsonl)$/.test(name))).toEqual([]);
    expect(refusal(await run(answer("--base", "demo", "--adapter", out)))).toContain("adapter_model.safetensors");
    expect(await run(train(out, "--resume"))).toMatchObject({ code: 0 });
    expect(bytes(out, TENSORS).equals(bytes(goodAdapter, TENSORS))).toBe(true);
    expect(bytes(out, "log.jsonl").toString().trimEnd().split("\n")).toHaveLength(2);
  });

  test("stops an evaluation, which resumes to the same bytes", async () => {
    const [out, whole] = [fresh("run"), fresh("run")];
    const undisturbed = run(evaluate(whole));
    expect(refusal(await limited(1, evaluate(out)))).toMatch(
      /run\/\S+: cannot be written: the file-size limit is reached/,
    );
    expect(existsSync(join(out, "results.json"))).toBe(false);
    expect(await run(evaluate(out, "--resume"))).toMatchObject({ code: 0 });
    expect(await undisturbed).toMatchObject({ code: 0 });
    expect(readdirSync(out).sort()).toEqual(["predictions.parquet", "results.json"]);
    const name = "predictions.parquet";
    expect(bytes(out, name).equals(bytes(whole, name))).toBe(true);
  });

  test("stops data, which is then refused, and can be made anew", async () => {
    const out = fresh("run");
    expect(refusal(await limited(1, ["data", "planted", "--out", out, ...planted]))).toMatch(
      /run\/\S+: cannot be written: the file-size limit is reached/,
    );
    expect(refusal(await run(train(undefined, "--data", out)))).toMatch(/run: expected a file /);
    expect(await run(["data", "planted", "--out", out, ...planted, "--overwrite"])).toMatchObject({ code: 0 });
    expect(readdirSync(out).sort()).toEqual(readdirSync(goodData).sort());
    expect(bytes(out, VALUES).equals(bytes(goodData, VALUES))).toBe(true);
  });

  test("leaves no lock", async () => {
    const out = fresh("run");
    expect(refusal(await limited(0, train(out)))).toMatch(
      /run\/lock: cannot be written: the file-size limit is reached/,
    );
    expect(readdirSync(out)).toEqual([]);
  });

  test.skipIf(!existsSync("/dev/full"))("is reported for standard output, too", async () => {
    const full = openSync("/dev/full", "w");
    const args = ["preview", "--base", "demo", "--data", goodData, "--out", "unused"];
    const child = spawn(process.execPath, [cliPath, ...args], { env, stdio: ["ignore", full, "pipe"] });
    closeSync(full);
    let stderr = "";
    child.stderr!.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
    expect(refusal({ code, signal: null, stdout: "", stderr })).toBe(
      "error: standard output: cannot be written: the disk is full",
    );
  });
});

describe.concurrent("folders that may not be used", () => {
  // To root every folder is open: there the command runs as somebody else.
  const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const asNobody = (args: readonly string[]): Promise<CliResult> => cuma(args, { env, ...nobody });

  /** Uses a copy of a folder that only root may open. */
  async function closed(folder: string, use: (dir: string) => Promise<void>): Promise<void> {
    const dir = copy(folder, (made) => {
      chmodSync(made, 0o000);
    });
    await use(dir).finally(() => {
      chmodSync(dir, 0o755);
    });
  }

  test("data that may not be read", () =>
    closed(goodData, async (dir) => {
      const out = fresh("out");
      mkdirSync(out);
      chmodSync(out, 0o777);
      expect(refusal(await asNobody(train(out, "--data", dir)))).toMatch(/copy: cannot be read: permission denied/);
      expect(readdirSync(out)).toEqual([]);
    }));

  test("a base that may not be read", () =>
    closed(goodBase, async (dir) => {
      const message = /copy\/config\.json: cannot be read: permission denied/;
      expect(refusal(await asNobody(answer("--base", dir)))).toMatch(message);
    }));

  test("an adapter that may not be read", () =>
    closed(goodAdapter, async (dir) => {
      const message = /copy\/adapter_config\.json: cannot be read: permission denied/;
      expect(refusal(await asNobody(answer("--base", "demo", "--adapter", dir)))).toMatch(message);
    }));

  test("an output folder that may not be written", async () => {
    const dir = fresh("closed");
    mkdirSync(dir, { mode: 0o555 });
    expect(refusal(await asNobody(train(dir)))).toMatch(/closed\/lock: cannot be written: permission denied/);
    expect(refusal(await asNobody(train(join(dir, "run"))))).toMatch(/closed\/run: cannot be made: permission denied/);
  });
});

describe.concurrent("two runs in one folder", () => {
  test("the second is refused while the first goes on, and another one when it has stopped", async () => {
    const out = fresh("run");
    const long = train(out, "--set", "train.maxSteps=1000", "--set", "train.epochs=1000");
    const first = startCuma(long, { env });
    const ended = finished(first);
    while (!existsSync(join(out, "log.jsonl")) && first.exitCode === null) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    for (const flags of [[], ["--resume"], ["--overwrite"]]) {
      expect(refusal(await run([...long, ...flags]))).toContain(
        `run: another run is writing here (process ${first.pid!} on ${hostname()})`,
      );
    }
    first.kill("SIGINT");
    expect(await ended).toMatchObject({ code: 130, stdout: "" });
    const other = [...long, "--resume", "--set", "train.lr=0.5", "--set", "data.persona=false"];
    expect(refusal(await run(other))).toMatch(
      /run: the run in this folder is another one; .*equal:\n +data\.persona: true in the folder, false now\n +train\.lr: \S+ in the folder, 0\.5 now$/,
    );
    expect(readdirSync(out).sort()).toEqual([expect.stringMatching(/^checkpoint-\d+$/), "log.jsonl"]);
  });

  test("of two that start together, one wins", async () => {
    const out = fresh("run");
    const both = await Promise.all([run(train(out)), run(train(out))]);
    const [won, lost] = both[0].code === 0 ? both : [both[1], both[0]];
    expect(won).toMatchObject({ code: 0 });
    expect(refusal(lost)).toMatch(/run: (another run is writing here|the output folder is not empty)/);
    expect(bytes(out, TENSORS).equals(bytes(goodAdapter, TENSORS))).toBe(true);
  });
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
