import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
  closeSync,
  statSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packageRoot } from "../../src/app/index.ts";
import { encodeSafetensors, SafetensorsFile, type FloatTensor } from "../../src/io/index.ts";
import { cuma, type CliResult } from "../support/cli.ts";

const root = mkdtempSync(join(tmpdir(), "cuma-bad-"));
const env = { ...process.env, CUMA_CACHE: join(root, "cache") };
const goodData = join(root, "data");
const goodAdapter = join(root, "adapter");

beforeAll(async () => {
  const planted = ["data", "planted", "--out", goodData, "--seed", "1", "--participants", "40", "--questions", "4"];
  expect(await cuma(planted)).toMatchObject({ code: 0 });
  expect(await run([...train(goodAdapter), "--set", "data.attributes=[country, religion]"])).toMatchObject({ code: 0 });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const run = (args: readonly string[]): Promise<CliResult> => cuma(args, { env });

let made = 0;
/** A path in the temporary folder that nothing has used. */
const fresh = (name: string): string => join(root, `${++made}-${name}`);

/** A damaged copy of a folder. */
function copy(folder: string, damage: (dir: string) => void): string {
  const dir = fresh("copy");
  cpSync(folder, dir, { recursive: true });
  damage(dir);
  return dir;
}
const base = (damage: (dir: string) => void): string => copy(join(packageRoot, "assets", "demo-base"), damage);
const data = (damage: (dir: string) => void): string => copy(goodData, damage);
const adapter = (damage: (dir: string) => void): string => copy(goodAdapter, damage);

type Json = Record<string, unknown>;
function editJson(path: string, edit: (json: Json) => void): void {
  const json = JSON.parse(readFileSync(path, "utf8")) as Json;
  edit(json);
  writeFileSync(path, JSON.stringify(json));
}
function editLine(path: string, line: number, edit: (text: string) => string): void {
  const lines = readFileSync(path, "utf8").split("\n");
  lines[line - 1] = edit(lines[line - 1]!);
  writeFileSync(path, lines.join("\n"));
}
/** A cell of a tab-separated file; lines and columns from 1. */
const editCell = (path: string, line: number, column: number, text: string): void => {
  editLine(path, line, (cells) =>
    cells
      .split("\t")
      .with(column - 1, text)
      .join("\t"),
  );
};
function editTensors(path: string, edit: (tensors: Record<string, FloatTensor>) => void): void {
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

const WEIGHTS = "model.safetensors";
const weights = (edit: (path: string) => void) =>
  base((dir) => {
    edit(join(dir, WEIGHTS));
  });
const config = (edit: (json: Json) => void) =>
  base((dir) => {
    editJson(join(dir, "config.json"), edit);
  });
const file = (dir: string, name: string, content: string) => {
  writeFileSync(join(dir, name), content);
};

const answer = (model: string, ...more: string[]): string[] => [
  ...["answer", "--base", model, "--question", "Tea?", "--option", "Yes", "--option", "No", ...more],
];
const train = (out = fresh("out"), ...more: string[]): string[] => [
  ...["train", "--base", "demo", "--data", goodData, "--out", out, "--set", "train.maxSteps=2"],
  ...["--set", "train.batchSize=4", "--set", "adapter.numExperts=2", "--set", "adapter.routerHidden=8", ...more],
];
const trainOn = (dir: string): string[] => train(undefined, "--data", dir);
const withRunFile = (text: string, ...more: string[]): string[] => {
  const path = fresh("run.yaml");
  writeFileSync(path, text);
  return ["train", path, "--out", fresh("out"), ...more];
};

interface Case {
  readonly args: () => string[];
  readonly says: RegExp;
  readonly code?: number;
}

const bases: Record<string, Case> = {
  "no weights": {
    args: () =>
      answer(
        base((dir) => {
          rmSync(join(dir, WEIGHTS));
        }),
      ),
    says: /x/,
  },
  "pickled weights only": {
    args: () =>
      answer(
        base((dir) => {
          renameSync(join(dir, WEIGHTS), join(dir, "pytorch_model.bin"));
        }),
      ),
    says: /x/,
  },
  "truncated weights": {
    args: () =>
      answer(
        weights((path) => {
          truncateSync(path, statSync(path).size - 100);
        }),
      ),
    says: /x/,
  },
  "weights of 3 bytes": {
    args: () =>
      answer(
        weights((path) => {
          truncateSync(path, 3);
        }),
      ),
    says: /x/,
  },
  "empty weights": {
    args: () =>
      answer(
        weights((path) => {
          truncateSync(path, 0);
        }),
      ),
    says: /x/,
  },
  "weights are a folder": {
    args: () =>
      answer(
        weights((path) => {
          rmSync(path);
          mkdirSync(path);
        }),
      ),
    says: /x/,
  },
  "header longer than the file": {
    args: () =>
      answer(
        weights((path) => {
          overwrite(path, 0, Buffer.from([0, 0, 0, 1, 0, 0, 0, 0]));
        }),
      ),
    says: /x/,
  },
  "header of 2^63 bytes": {
    args: () =>
      answer(
        weights((path) => {
          overwrite(path, 0, Buffer.from([0, 0, 0, 0, 0, 0, 0, 0x80]));
        }),
      ),
    says: /x/,
  },
  "header not JSON": {
    args: () =>
      answer(
        weights((path) => {
          overwrite(path, 8, Buffer.from("nope"));
        }),
      ),
    says: /x/,
  },
  NaN: {
    args: () =>
      answer(
        weights((path) => {
          editTensors(path, (t) => {
            t["model.layers.1.mlp.up_proj.weight"]!.data[5] = NaN;
          });
        }),
      ),
    says: /x/,
  },
  infinity: {
    args: () =>
      answer(
        weights((path) => {
          editTensors(path, (t) => {
            t["model.norm.weight"]!.data[1] = -Infinity;
          });
        }),
      ),
    says: /x/,
  },
  "wrong shape": {
    args: () =>
      answer(
        weights((path) => {
          editTensors(path, (t) => {
            const { data } = t["model.norm.weight"]!;
            t["model.norm.weight"] = { data, shape: [2, 64] };
          });
        }),
      ),
    says: /x/,
  },
  "a tensor is missing": {
    args: () =>
      answer(
        weights((path) => {
          editTensors(path, (t) => {
            delete t["model.norm.weight"];
          });
        }),
      ),
    says: /x/,
  },
  "a shard is missing": {
    args: () =>
      answer(
        sharded((dir) => {
          rmSync(join(dir, "b.safetensors"));
        }),
      ),
    says: /x/,
  },
  "a shard lacks a tensor": {
    args: () =>
      answer(
        sharded((dir) => {
          cpSync(join(dir, "a.safetensors"), join(dir, "b.safetensors"));
        }),
      ),
    says: /x/,
  },
  "a shard outside of the folder": {
    args: () =>
      answer(
        sharded((dir) => {
          editJson(join(dir, "model.safetensors.index.json"), (j) => {
            (j["weight_map"] as Json)["model.norm.weight"] = "../x.safetensors";
          });
        }),
      ),
    says: /x/,
  },
  "index not one": {
    args: () =>
      answer(
        sharded((dir) => {
          file(dir, "model.safetensors.index.json", "{}");
        }),
      ),
    says: /x/,
  },
  "no config": {
    args: () =>
      answer(
        base((dir) => {
          rmSync(join(dir, "config.json"));
        }),
      ),
    says: /x/,
  },
  "config not JSON": {
    args: () =>
      answer(
        base((dir) => {
          file(dir, "config.json", '{ "model_type": ');
        }),
      ),
    says: /x/,
  },
  "config is a list": {
    args: () =>
      answer(
        base((dir) => {
          file(dir, "config.json", "[]");
        }),
      ),
    says: /x/,
  },
  "config null": {
    args: () =>
      answer(
        base((dir) => {
          file(dir, "config.json", "null");
        }),
      ),
    says: /x/,
  },
  "config without hidden_size": {
    args: () =>
      answer(
        config((c) => {
          delete c["hidden_size"];
        }),
      ),
    says: /x/,
  },
  "config without model_type": {
    args: () =>
      answer(
        config((c) => {
          delete c["model_type"];
        }),
      ),
    says: /x/,
  },
  "config wrong type": {
    args: () =>
      answer(
        config((c) => {
          c["num_hidden_layers"] = "4";
        }),
      ),
    says: /x/,
  },
  heads: {
    args: () =>
      answer(
        config((c) => {
          c["num_key_value_heads"] = 3;
        }),
      ),
    says: /x/,
  },
  model_type: {
    args: () =>
      answer(
        config((c) => {
          c["model_type"] = "gpt_neox";
        }),
      ),
    says: /x/,
  },
  "model_type proto": {
    args: () =>
      answer(
        config((c) => {
          c["model_type"] = "toString";
        }),
      ),
    says: /x/,
  },
  rope_type: {
    args: () =>
      answer(
        config((c) => {
          c["rope_scaling"] = { rope_type: "yarn", factor: 4 };
        }),
      ),
    says: /x/,
  },
  "llama3 keys": {
    args: () =>
      answer(
        config((c) => {
          c["rope_scaling"] = { rope_type: "llama3", factor: 4 };
        }),
      ),
    says: /x/,
  },
  activation: {
    args: () =>
      answer(
        config((c) => {
          c["hidden_act"] = "gelu";
        }),
      ),
    says: /x/,
  },
  quantised: {
    args: () =>
      answer(
        config((c) => {
          c["quantization_config"] = { bits: 4 };
        }),
      ),
    says: /x/,
  },
  "layers more": {
    args: () =>
      answer(
        config((c) => {
          c["num_hidden_layers"] = 5;
        }),
      ),
    says: /x/,
  },
  vocab_size: {
    args: () =>
      answer(
        config((c) => {
          c["vocab_size"] = 1000;
        }),
      ),
    says: /x/,
  },
  "no tokenizer": {
    args: () =>
      answer(
        base((dir) => {
          rmSync(join(dir, "tokenizer.json"));
        }),
      ),
    says: /x/,
  },
  "tokenizer not one": {
    args: () =>
      answer(
        base((dir) => {
          file(dir, "tokenizer.json", '{"version": "1.0"}');
        }),
      ),
    says: /x/,
  },
  "tokenizer model unknown": {
    args: () =>
      answer(
        base((dir) => {
          editJson(join(dir, "tokenizer.json"), (j) => {
            (j["model"] as Json)["type"] = "Magic";
          });
        }),
      ),
    says: /x/,
  },
  "tokenizer vocab broken": {
    args: () =>
      answer(
        base((dir) => {
          editJson(join(dir, "tokenizer.json"), (j) => {
            (j["model"] as Json)["vocab"] = 5;
          });
        }),
      ),
    says: /x/,
  },
  "tokenizer pretok unknown": {
    args: () =>
      answer(
        base((dir) => {
          editJson(join(dir, "tokenizer.json"), (j) => {
            j["pre_tokenizer"] = { type: "Magic" };
          });
        }),
      ),
    says: /x/,
  },
  "tokenizer_config list": {
    args: () =>
      answer(
        base((dir) => {
          file(dir, "tokenizer_config.json", "[]");
        }),
      ),
    says: /x/,
  },
  "tokenizer_config bad bos": {
    args: () =>
      answer(
        base((dir) => {
          editJson(join(dir, "tokenizer_config.json"), (j) => {
            j["bos_token"] = 5;
          });
        }),
      ),
    says: /x/,
  },
  "tokenizer_config chat_template number": {
    args: () =>
      answer(
        base((dir) => {
          editJson(join(dir, "tokenizer_config.json"), (j) => {
            j["chat_template"] = 5;
          });
        }),
      ),
    says: /x/,
  },
  "chat template throws": {
    args: () =>
      answer(
        base((dir) => {
          file(dir, "chat_template.jinja", "{{ raise_exception('only cats') }}");
        }),
      ),
    says: /x/,
  },
  "chat template does not parse": {
    args: () =>
      answer(
        base((dir) => {
          file(dir, "chat_template.jinja", "{% for %}");
        }),
      ),
    says: /x/,
  },
  "empty folder": {
    args: () => {
      const dir = fresh("base");
      mkdirSync(dir);
      return answer(dir);
    },
    says: /x/,
  },
  "no folder": { args: () => answer(fresh("base")), says: /x/ },
  "a file": { args: () => answer(join(goodData, "truth.json")), says: /x/ },
  "a file in path": { args: () => answer(join(goodData, "truth.json", "x")), says: /x/ },
  "a dangling link": {
    args: () => {
      const link = fresh("link");
      symlinkSync(fresh("nothing"), link);
      return answer(link);
    },
    says: /x/,
  },
  "looping link": {
    args: () => {
      const link = fresh("link");
      symlinkSync(link, link);
      return answer(link);
    },
    says: /x/,
  },
  "not an id": { args: () => answer("demmo"), says: /x/ },
  training: {
    args: () =>
      train(
        undefined,
        "--base",
        config((c) => {
          delete c["hidden_size"];
        }),
      ),
    says: /x/,
  },
};
function sharded(damage: (dir: string) => void): string {
  return base((dir) => {
    const file = new SafetensorsFile(join(dir, WEIGHTS));
    const names = file.names;
    const half = Object.groupBy(names, (_, i) => (i % 2 ? "a.safetensors" : "b.safetensors"));
    const map: Json = {};
    for (const [shard, members] of Object.entries(half)) {
      writeFileSync(join(dir, shard), encodeSafetensors(Object.fromEntries(members.map((n) => [n, file.read(n)]))));
      for (const n of members) map[n] = shard;
    }
    file.close();
    rmSync(join(dir, WEIGHTS));
    writeFileSync(join(dir, "model.safetensors.index.json"), JSON.stringify({ weight_map: map }));
    damage(dir);
  });
}
const V = "train/train_value_qa.tsv";
const D = "train/train_demographic_qa.tsv";
const tables: Record<string, Case> = {
  "missing column D": {
    args: () =>
      trainOn(
        data((dir) => {
          editCell(join(dir, D), 1, 4, "AGE");
        }),
      ),
    says: /x/,
  },
  "missing column V": {
    args: () =>
      trainOn(
        data((dir) => {
          editCell(join(dir, V), 1, 3, "Q9");
        }),
      ),
    says: /x/,
  },
  "unknown question": {
    args: () =>
      trainOn(
        data((dir) => {
          const p = join(dir, V);
          writeFileSync(
            p,
            readFileSync(p, "utf8")
              .trimEnd()
              .split("\n")
              .map((l, i) => l + (i ? "\t1" : "\tQ5"))
              .join("\n"),
          );
        }),
      ),
    says: /x/,
  },
  "column twice V": {
    args: () =>
      trainOn(
        data((dir) => {
          const p = join(dir, V);
          writeFileSync(
            p,
            readFileSync(p, "utf8")
              .trimEnd()
              .split("\n")
              .map((l, i) => l + (i ? "\t1" : "\tQ4"))
              .join("\n"),
          );
        }),
      ),
    says: /x/,
  },
  "column twice D": {
    args: () =>
      trainOn(
        data((dir) => {
          const p = join(dir, D);
          writeFileSync(
            p,
            readFileSync(p, "utf8")
              .trimEnd()
              .split("\n")
              .map((l, i) => l + (i ? "\t1" : "\tQ289"))
              .join("\n"),
          );
        }),
      ),
    says: /x/,
  },
  "bad integer": {
    args: () =>
      trainOn(
        data((dir) => {
          editCell(join(dir, V), 7, 3, "two");
        }),
      ),
    says: /x/,
  },
  fraction: {
    args: () =>
      trainOn(
        data((dir) => {
          editCell(join(dir, V), 7, 3, "2.5");
        }),
      ),
    says: /x/,
  },
  "off scale": {
    args: () =>
      trainOn(
        data((dir) => {
          editCell(join(dir, V), 9, 2, "17");
        }),
      ),
    says: /x/,
  },
  negative: {
    args: () =>
      trainOn(
        data((dir) => {
          editCell(join(dir, V), 9, 2, "-1");
        }),
      ),
    says: /x/,
  },
  "few fields": {
    args: () =>
      trainOn(
        data((dir) => {
          editLine(join(dir, V), 5, (l) => l.split("\t").slice(0, 3).join("\t"));
        }),
      ),
    says: /x/,
  },
  "dup V": {
    args: () =>
      trainOn(
        data((dir) => {
          const p = join(dir, V);
          const t = readFileSync(p, "utf8").split("\n");
          editLine(p, 4, () => t[2]!);
        }),
      ),
    says: /x/,
  },
  "dup D": {
    args: () =>
      trainOn(
        data((dir) => {
          const p = join(dir, D);
          const t = readFileSync(p, "utf8").split("\n");
          editLine(p, 4, () => t[2]!);
        }),
      ),
    says: /x/,
  },
  "participant of V only": {
    args: () =>
      trainOn(
        data((dir) => {
          editCell(join(dir, V), 3, 1, "777");
        }),
      ),
    says: /x/,
  },
  "no participant": {
    args: () =>
      trainOn(
        data((dir) => {
          editCell(join(dir, V), 3, 1, "");
        }),
      ),
    says: /x/,
  },
  quote: {
    args: () =>
      trainOn(
        data((dir) => {
          editCell(join(dir, D), 6, 2, '"Bel');
        }),
      ),
    says: /x/,
  },
  "quote inside": {
    args: () =>
      trainOn(
        data((dir) => {
          editCell(join(dir, D), 6, 2, 'Be"l');
        }),
      ),
    says: /x/,
  },
  "not utf8": {
    args: () =>
      trainOn(
        data((dir) => {
          const p = join(dir, D);
          overwrite(p, readFileSync(p).indexOf("Arven"), Buffer.from([0xff]));
        }),
      ),
    says: /x/,
  },
  "nul binary": {
    args: () =>
      trainOn(
        data((dir) => {
          writeFileSync(join(dir, D), createHash("sha256").update("x").digest());
        }),
      ),
    says: /x/,
  },
  "empty V": {
    args: () =>
      trainOn(
        data((dir) => {
          file(dir, V, "");
        }),
      ),
    says: /x/,
  },
  "header only": {
    args: () =>
      trainOn(
        data((dir) => {
          for (const p of [V, D]) file(dir, p, readFileSync(join(dir, p), "utf8").split("\n")[0]! + "\n");
        }),
      ),
    says: /x/,
  },
  "V is folder": {
    args: () =>
      trainOn(
        data((dir) => {
          rmSync(join(dir, V));
          mkdirSync(join(dir, V));
        }),
      ),
    says: /x/,
  },
  "no V": {
    args: () =>
      trainOn(
        data((dir) => {
          rmSync(join(dir, V));
        }),
      ),
    says: /x/,
  },
  "no codebook": {
    args: () =>
      trainOn(
        data((dir) => {
          rmSync(join(dir, "codebook.json"));
        }),
      ),
    says: /x/,
  },
  "codebook not json": {
    args: () =>
      trainOn(
        data((dir) => {
          file(dir, "codebook.json", "{");
        }),
      ),
    says: /x/,
  },
  "metadata field": {
    args: () =>
      trainOn(
        data((dir) => {
          editJson(join(dir, "question_metadata.json"), (j) => {
            (j["Q2"] as Json)["answer_scale_max"] = "4";
          });
        }),
      ),
    says: /x/,
  },
  "metadata missing": {
    args: () =>
      trainOn(
        data((dir) => {
          editJson(join(dir, "question_metadata.json"), (j) => {
            delete (j["Q2"] as Json)["answer_scale_max"];
          });
        }),
      ),
    says: /x/,
  },
  "codebook level": {
    args: () =>
      trainOn(
        data((dir) => {
          editJson(join(dir, "codebook.json"), (j) => {
            delete ((j["Q2"] as Json)["choices"] as Json)["1"];
          });
        }),
      ),
    says: /x/,
  },
  "no dir": { args: () => trainOn(fresh("nothing")), says: /x/ },
  "a file": { args: () => trainOn(join(goodData, "truth.json")), says: /x/ },
  split: { args: () => train(undefined, "--set", "data.split=trian"), says: /x/ },
  "no split": { args: () => train(undefined, "--set", "data.split=full"), says: /x/ },
  attr: { args: () => train(undefined, "--set", "data.attributes=[country, relligion]"), says: /x/ },
  "eval by": {
    args: () => ["eval", "--base", "demo", "--data", goodData, "--out", fresh("out"), "--by", "contry"],
    says: /x/,
  },
  "eval dup": {
    args: () => [
      "eval",
      "--base",
      "demo",
      "--data",
      data((dir) => {
        editCell(join(dir, "test/test_value_qa.tsv"), 3, 2, "x");
      }),
      "--out",
      fresh("out"),
    ],
    says: /x/,
  },
  wvs: {
    args: () => ["data", "wvb", "--wvs", join(goodData, V), "--metadata", goodData, "--out", fresh("out")],
    says: /x/,
  },
  "wvs no": {
    args: () => ["data", "wvb", "--wvs", fresh("x"), "--metadata", goodData, "--out", fresh("out")],
    says: /x/,
  },
  "wvs folder": {
    args: () => ["data", "wvb", "--wvs", goodData, "--metadata", goodData, "--out", fresh("out")],
    says: /x/,
  },
  predictions: {
    args: () => [
      "eval",
      "--predictions",
      predictions("QUESTION_ID\tPARTICIPANT_ID\nQ1\t1\n"),
      "--data",
      goodData,
      "--split",
      "test",
    ],
    says: /x/,
  },
  "predictions b": {
    args: () => [
      "eval",
      "--predictions",
      predictions("QUESTION_ID\tPARTICIPANT_ID\tSCORE\nQ1\t1\t2\n"),
      "--data",
      goodData,
      "--split",
      "test",
    ],
    says: /x/,
  },
  "predictions c": {
    args: () => [
      "eval",
      "--predictions",
      predictions("QUESTION_ID\tPARTICIPANT_ID\tSCORE\nQ1\t1\n"),
      "--data",
      goodData,
      "--split",
      "test",
    ],
    says: /x/,
  },
  "predictions no": {
    args: () => ["eval", "--predictions", fresh("x"), "--data", goodData, "--split", "test"],
    says: /x/,
  },
};
function predictions(text: string): string {
  const p = fresh("p.tsv");
  writeFileSync(p, text);
  return p;
}

const HEAD = () => `base: demo\ndata: { dir: ${goodData} }\n`;
const runs: Record<string, Case> = {
  "unknown key": { args: () => withRunFile(`${HEAD()}train:\n  batchSize: 4\n  learningRate: 1\n`), says: /x/ },
  "unknown key near": { args: () => withRunFile(`${HEAD()}train:\n  batchSise: 4\n`), says: /x/ },
  "unknown top": { args: () => withRunFile(`${HEAD()}trian:\n  batchSize: 4\n`), says: /x/ },
  "unknown adapter key": { args: () => withRunFile(`${HEAD()}adapter:\n  method: lora\n  numExperts: 4\n`), says: /x/ },
  "unknown method": { args: () => withRunFile(`${HEAD()}adapter: { method: loar }\n`), says: /x/ },
  "wrong type": { args: () => withRunFile(`${HEAD()}train:\n  epochs: 2\n  lr: fast\n`), says: /x/ },
  "wrong type 2": { args: () => withRunFile(`${HEAD()}train:\n  epochs: 2.5\n  betas: [0.9]\n`), says: /x/ },
  "wrong type 3": { args: () => withRunFile(`${HEAD()}train: 5\n`), says: /x/ },
  "wrong type 4": { args: () => withRunFile(`${HEAD()}adapter: { r: x, topK: 9, gating: hard }\n`), says: /x/ },
  "wrong type 5": {
    args: () => withRunFile(`${HEAD()}train: { lr: -1, batchSize: 0, schedule: cosin }\ndevice: tpu\n`),
    says: /x/,
  },
  topk: { args: () => withRunFile(`${HEAD()}adapter:\n  topK: 9\n`), says: /x/ },
  null: { args: () => withRunFile(`${HEAD()}train:\n  lr:\n`), says: /x/ },
  "null section": { args: () => withRunFile(`${HEAD()}train:\nadapter:\n`), says: /x/ },
  "data list": { args: () => withRunFile(`base: demo\ndata: [a]\n`), says: /x/ },
  "adapter string": { args: () => withRunFile(`${HEAD()}adapter: cuma\n`), says: /x/ },
  nan: { args: () => withRunFile(`${HEAD()}train: { lr: .nan }\n`), says: /x/ },
  inf: { args: () => withRunFile(`${HEAD()}train: { lr: .inf }\n`), says: /x/ },
  "no base": { args: () => withRunFile(`data: { dir: x }\n`), says: /x/ },
  "no nothing": { args: () => ["train"], says: /x/ },
  yaml: { args: () => withRunFile(`${HEAD()}train: { lr: 1\nout: x\n`), says: /x/ },
  "yaml tab": { args: () => withRunFile(`${HEAD()}train:\n\tlr: 1\n`), says: /x/ },
  "yaml twice": { args: () => withRunFile(`${HEAD()}base: demo\n`), says: /x/ },
  "yaml list": { args: () => withRunFile(`- a\n- b\n`), says: /x/ },
  "yaml empty": { args: () => withRunFile(``), says: /x/ },
  "yaml null key": { args: () => withRunFile(`${HEAD()}: 3\n`), says: /x/ },
  "yaml number key": { args: () => withRunFile(`${HEAD()}5: 3\n`), says: /x/ },
  "yaml map key": { args: () => withRunFile(`${HEAD()}? { a: b }\n: 3\n`), says: /x/ },
  "yaml alias": { args: () => withRunFile(`${HEAD()}train: *nope\n`), says: /x/ },
  "yaml tag": { args: () => withRunFile(`${HEAD()}train: !!js/function 'x'\n`), says: /x/ },
  "yaml bomb": {
    args: () =>
      withRunFile(
        `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\n`,
      ),
    says: /x/,
  },
  "yaml self alias": { args: () => withRunFile(`${HEAD()}train: &t { lr: 1, x: *t }\n`), says: /x/ },
  "yaml merge": { args: () => withRunFile(`${HEAD()}train: { <<: 5 }\n`), says: /x/ },
  "yaml docs": { args: () => withRunFile(`${HEAD()}---\nbase: x\n`), says: /x/ },
  "yaml proto": { args: () => withRunFile(`${HEAD()}__proto__: { x: 1 }\n`), says: /x/ },
  binary: { args: () => ["train", join(packageRoot, "assets/demo-base/model.safetensors")], says: /x/ },
  "binary small": {
    args: () => {
      const p = fresh("b");
      writeFileSync(p, Buffer.from([0xff, 0xfe]));
      return ["train", p];
    },
    says: /x/,
  },
  "no file": { args: () => ["train", fresh("run.yaml")], says: /x/ },
  folder: { args: () => ["train", goodData], says: /x/ },
  "set unknown": { args: () => train(undefined, "--set", "train.batchsize2=4"), says: /x/ },
  "set near": { args: () => train(undefined, "--set", "train.batchSzie=4"), says: /x/ },
  "set form": { args: () => train(undefined, "--set", "train.lr"), says: /x/ },
  "set not yaml": { args: () => train(undefined, "--set", "train.lr=[1"), says: /x/ },
  "set alias": { args: () => train(undefined, "--set", "train.lr=*a"), says: /x/ },
  "set under": { args: () => train(undefined, "--set", "base.x=1"), says: /x/ },
  "set proto": { args: () => train(undefined, "--set", "__proto__.x=1"), says: /x/ },
  "set proto2": { args: () => train(undefined, "--set", "train.__proto__.lr=1"), says: /x/ },
  "set ctor": { args: () => train(undefined, "--set", "constructor.x=1"), says: /x/ },
  "set dots": { args: () => train(undefined, "--set", "train..lr=1"), says: /x/ },
  "set type": { args: () => train(undefined, "--set", "train.lr=fast"), says: /x/ },
  "set and file": {
    args: () => withRunFile(`${HEAD()}train:\n  lr: 1\n  foo: 1\n`, "--set", "train.lrr=2"),
    says: /x/,
  },
  modules: { args: () => train(undefined, "--set", "adapter.targetModules=[q_prj]"), says: /x/ },
  "modules re": { args: () => train(undefined, "--set", "adapter.targetModules='(q'"), says: /x/ },
  encoder: { args: () => train(undefined, "--set", "encoder.model=x.safetensors"), says: /x/ },
  "encoder folder": { args: () => train(undefined, "--set", `encoder.model=${goodData}`), says: /x/ },
  "encoder none lora": {
    args: () => train(undefined, "--set", "encoder.model=none", "--set", "adapter={method: lora, profileVector: true}"),
    says: /x/,
  },
  cuda: { args: () => train(undefined, "--device", "cuda"), says: /x/ },
  webgpu: { args: () => train(undefined, "--device", "webgpu"), says: /x/ },
  directml: { args: () => train(undefined, "--device", "directml"), says: /x/ },
  both: { args: () => train(undefined, "--resume", "--overwrite"), says: /x/ },
  "two args": { args: () => ["train", "a", "b"], says: /x/ },
  "answer one option": { args: () => ["answer", "--base", "demo", "--question", "q", "--option", "x"], says: /x/ },
  "answer no base": { args: () => ["answer", "--question", "q", "--option", "x", "--option", "y"], says: /x/ },
  "answer long": {
    args: () => ["answer", "--base", "demo", "--question", "q".repeat(5000), "--option", "x", "--option", "y"],
    says: /x/,
  },
  "answer profile": { args: () => answer("demo", "--adapter", goodAdapter, "--profile", "contry=Belmora"), says: /x/ },
  "answer profile form": { args: () => answer("demo", "--profile", "country"), says: /x/ },
  "answer profile twice": { args: () => answer("demo", "--profile", "country=a", "--profile", "country=b"), says: /x/ },
  "answer profile proto": { args: () => answer("demo", "--profile", "toString=b"), says: /x/ },
};
const C = "adapter_config.json";
const T = "adapter_model.safetensors";
const ad = (damage: (dir: string) => void) => answer("demo", "--adapter", adapter(damage));
const ads: Record<string, Case> = {
  "not one": {
    args: () =>
      ad((dir) => {
        file(dir, C, "{}");
      }),
    says: /x/,
  },
  list: {
    args: () =>
      ad((dir) => {
        file(dir, C, "[]");
      }),
    says: /x/,
  },
  "not json": {
    args: () =>
      ad((dir) => {
        file(dir, C, "peft_type: LORA");
      }),
    says: /x/,
  },
  peft: {
    args: () =>
      ad((dir) => {
        editJson(join(dir, C), (j) => {
          j["peft_type"] = "IA3";
        });
      }),
    says: /x/,
  },
  "no config": {
    args: () =>
      ad((dir) => {
        rmSync(join(dir, C));
      }),
    says: /x/,
  },
  "no tensors": {
    args: () =>
      ad((dir) => {
        rmSync(join(dir, T));
      }),
    says: /x/,
  },
  "pickled tensors": {
    args: () =>
      ad((dir) => {
        renameSync(join(dir, T), join(dir, "adapter_model.bin"));
      }),
    says: /x/,
  },
  truncated: {
    args: () =>
      ad((dir) => {
        truncateSync(join(dir, T), 10000);
      }),
    says: /x/,
  },
  nan: {
    args: () =>
      ad((dir) => {
        editTensors(join(dir, T), (t) => {
          Object.values(t)[3]!.data[0] = NaN;
        });
      }),
    says: /x/,
  },
  lora_r: {
    args: () =>
      ad((dir) => {
        editJson(join(dir, C), (j) => {
          j["lora_r"] = 4;
        });
      }),
    says: /x/,
  },
  "lora_r none": {
    args: () =>
      ad((dir) => {
        editJson(join(dir, C), (j) => {
          delete j["lora_r"];
        });
      }),
    says: /x/,
  },
  experts: {
    args: () =>
      ad((dir) => {
        editJson(join(dir, C), (j) => {
          j["num_experts"] = 1;
          j["top_k"] = 1;
        });
      }),
    says: /x/,
  },
  modules: {
    args: () =>
      ad((dir) => {
        editJson(join(dir, C), (j) => {
          j["target_modules"] = ["query"];
          j["target_modules_lora"] = ["query"];
        });
      }),
    says: /x/,
  },
  hidden: {
    args: () =>
      ad((dir) => {
        editJson(join(dir, C), (j) => {
          j["hidden_size"] = 64;
        });
      }),
    says: /x/,
  },
  none: { args: () => answer("demo", "--adapter", fresh("none")), says: /x/ },
  file: { args: () => answer("demo", "--adapter", join(goodAdapter, C)), says: /x/ },
  "fewer layers": {
    args: () =>
      answer(
        config((c) => {
          c["num_hidden_layers"] = 3;
        }),
        "--adapter",
        goodAdapter,
      ),
    says: /x/,
  },
  "other base": {
    args: () =>
      answer(
        config((c) => {
          c["rope_theta"] = 20000;
        }),
        "--adapter",
        goodAdapter,
      ),
    says: /x/,
  },
  eval: {
    args: () => [
      "eval",
      "--base",
      "demo",
      "--adapter",
      adapter((dir) => {
        file(dir, C, "{}");
      }),
      "--data",
      goodData,
      "--out",
      fresh("out"),
    ],
    says: /x/,
  },
  "unfinished run": {
    args: () => {
      const dir = fresh("d");
      mkdirSync(dir);
      cpSync(goodAdapter, join(dir, "checkpoint-2"), { recursive: true });
      return answer("demo", "--adapter", dir);
    },
    says: /x/,
  },
};
const folders: Record<string, Case> = {
  "out not empty": { args: () => train(goodData), says: /x/ },
  "out is file": { args: () => train(join(goodData, "truth.json")), says: /x/ },
  "out in file": { args: () => train(join(goodData, "truth.json", "x")), says: /x/ },
  "out dangling": {
    args: () => {
      const link = fresh("link");
      symlinkSync(fresh("nothing"), link);
      return train(link);
    },
    says: /x/,
  },
  "out proc": { args: () => train("/proc/x"), says: /x/ },
  "eval out not empty": { args: () => ["eval", "--base", "demo", "--data", goodData, "--out", goodData], says: /x/ },
  "planted out not empty": { args: () => ["data", "planted", "--out", goodData], says: /x/ },
  "planted out file": { args: () => ["data", "planted", "--out", join(goodData, "truth.json")], says: /x/ },
  "planted out file 2": { args: () => ["data", "planted", "--out", join(goodData, "truth.json", "x")], says: /x/ },
  "planted out proc": { args: () => ["data", "planted", "--out", "/proc/x"], says: /x/ },
  "demo out not empty": { args: () => ["demo", "--out", goodData], says: /x/ },
  "planted participants": { args: () => ["data", "planted", "--out", fresh("o"), "--participants", "3"], says: /x/ },
  locked: {
    args: () => {
      const o = fresh("o");
      mkdirSync(o);
      file(o, "lock", JSON.stringify({ pid: process.pid, host: hostname() }));
      return train(o);
    },
    says: /x/,
  },
  "locked broken": {
    args: () => {
      const o = fresh("o");
      mkdirSync(o);
      file(o, "lock", "");
      return train(o);
    },
    says: /x/,
  },
  "locked broken 2": {
    args: () => {
      const o = fresh("o");
      mkdirSync(o);
      file(o, "lock", "null");
      return train(o);
    },
    says: /x/,
  },
  "locked broken 3": {
    args: () => {
      const o = fresh("o");
      mkdirSync(o);
      file(o, "lock", JSON.stringify({ pid: "x", host: hostname() }));
      return train(o);
    },
    says: /x/,
  },
  "resume broken state": {
    args: () => {
      const o = fresh("o");
      mkdirSync(join(o, "checkpoint-1"), { recursive: true });
      file(o, "checkpoint-1/state.json", "{");
      return train(o, "--resume");
    },
    says: /x/,
  },
  "resume null state": {
    args: () => {
      const o = fresh("o");
      mkdirSync(join(o, "checkpoint-1"), { recursive: true });
      file(o, "checkpoint-1/state.json", "null");
      return train(o, "--resume");
    },
    says: /x/,
  },
  "resume no state": {
    args: () => {
      const o = fresh("o");
      mkdirSync(join(o, "checkpoint-1"), { recursive: true });
      return train(o, "--resume");
    },
    says: /x/,
  },
  "resume other complete": { args: () => train(goodAdapter, "--resume", "--set", "train.lr=5"), says: /x/ },
};

const groups = { bases, tables, runs, ads, folders };
for (const [group, cases] of Object.entries(groups)) {
  describe.concurrent(group, () => {
    test.each(Object.entries(cases))("%s", async (name, { args, says, code = 1 }) => {
      const found = await run(args());
      process.stdout.write(
        `## ${group}: ${name}: ${found.code} ${found.stdout}\n${found.stderr.replaceAll(root, "")}\n`,
      );
    });
  });
}
