import { cpSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeSafetensors, type FloatTensor } from "../../../src/core/checkpoint/index.ts";
import {
  answer,
  base,
  config,
  copy,
  editJson,
  editTensors,
  evaluate,
  fresh,
  goodBase,
  goodData,
  type Json,
  overwrite,
  refused,
  remove,
  rename,
  train,
  withGoodFiles,
  write,
} from "./support.ts";

withGoodFiles();

/** `answer` on a base with damaged weights. */
const weights = (edit: (path: string) => void): (() => string[]) =>
  base((dir) => {
    edit(join(dir, "model.safetensors"));
  });
const tensors = (edit: (tensors: Record<string, FloatTensor>) => unknown): (() => string[]) =>
  weights((path) => {
    editTensors(path, edit);
  });

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

/** JSON that is deeper than calls can go. */
const DEEP = `${"[".repeat(20_000)}${"]".repeat(20_000)}`;

refused("a base", 1, {
  "with a configuration nested 20,000 deep": [
    base(write("config.json", DEEP)),
    /config\.json: expected object; found \[+\.{3}\]+; it names the family/,
  ],
  "with a key nested 20,000 deep": [
    base((dir) => {
      write(
        "config.json",
        readFileSync(join(dir, "config.json"), "utf8").replace("{", `{"rope_scaling": ${DEEP},`),
      )(dir);
    }),
    /config\.json: "rope_scaling": .*found \[+\.{3}\]+$/,
  ],
  "with an adapter that no memory can hold": [
    () => train(undefined, "--dry-run", "--set", "adapter.r=1000000000"),
    /adapter: its \S+ trainable numbers take [\d.]+ \w+, .*; give it a smaller rank/,
  ],
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
    /copy\/shard-1\.safetensors: cannot be read: there is no such file/,
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
  "without hidden_size, which then is that of the family": [
    config((json) => delete json["hidden_size"]),
    /model\.safetensors: tensor "model\.embed_tokens\.weight": expected shape \[\d+, 4096\] by config\.json, found/,
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
    /config\.json: "quantization_config": \{.*\} is not supported; expected none/,
  ],
  "whose weights disagree with vocab_size": [
    config((json) => (json["vocab_size"] = 1000)),
    /tensor "model\.embed_tokens\.weight": expected shape \[1000, 128\] by config\.json, found \[1024, 128\]/,
  ],
  "without a tokenizer": [
    base(remove("tokenizer.json")),
    /copy\/tokenizer\.json: cannot be read: there is no such file/,
  ],
  "with another JSON for a tokenizer": [
    base(write("tokenizer.json", '{ "version": "1.0" }')),
    /tokenizer\.json: "model": expected object; found nothing/,
  ],
  "with another tokenizer model": [
    base((dir) => {
      editJson(join(dir, "tokenizer.json"), (json) => ((json["model"] as Json)["type"] = "Magic"));
    }),
    /tokenizer\.json: "model" is of the type "Magic", which is not supported; supported are BPE, /,
  ],
  "with another pre-tokenizer": [
    base((dir) => {
      editJson(join(dir, "tokenizer.json"), (json) => (json["pre_tokenizer"] = { type: "Magic" }));
    }),
    /tokenizer\.json: "pre_tokenizer" is of the type "Magic", which is not supported; supported are /,
  ],
  "with a number for a special token": [
    base((dir) => {
      editJson(join(dir, "tokenizer_config.json"), (json) => (json["bos_token"] = 5));
    }),
    /tokenizer_config\.json: "bos_token": expected a token: .*; found 5/,
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
