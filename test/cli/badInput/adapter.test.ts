import { cpSync, truncateSync } from "node:fs";
import { join } from "node:path";
import {
  answer,
  config,
  copy,
  editJson,
  editTensors,
  fresh,
  goodAdapter,
  type Json,
  refused,
  remove,
  rename,
  set,
  withGoodFiles,
  write,
} from "./support.ts";

withGoodFiles();

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
  "that was trained on another base": [
    () => [...config((json) => (json["rope_theta"] = 20_000))(), "--adapter", goodAdapter],
    /the adapter was trained on another base: on "demo" \(SHA-256 \w{12}\.\.\.\), not on "\S+" as it is now \(\w{12}\.\.\.\); give that base, or --allow-other-base/,
  ],
  "whose profiles another base has encoded": [
    () => {
      const dir = copy(goodAdapter, (folder) => {
        editJson(join(folder, "adapter_config.json"), (json) => delete json["base_hash"]);
      });
      return [...config((json) => (json["rope_theta"] = 20_000))(), "--adapter", dir];
    },
    /encoder "base": its files are not those the adapter was trained with \(SHA-256 \w+\.\.\., expected \w+\.\.\.\)/,
  ],
  "without tensors": [
    adapter(remove("adapter_model.safetensors")),
    /adapter_model\.safetensors: cannot be read: there is no such file/,
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
  "whose encoder is on the hub, named by nobody else": [
    adapterConfig((json) => ((json["profile_encoder"] as Json)["encoder"] = "org/encoder")),
    /model "org\/encoder" \(main\) is not in the cache .* named by the adapter \S+copy only; give --encoder org\/encoder to/,
    { HF_HUB_OFFLINE: "0", HF_ENDPOINT: "http://127.0.0.1:1" },
  ],
});
