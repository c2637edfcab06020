import {
  chmodSync,
  closeSync,
  cpSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { packageRoot } from "../../../src/app/package.ts";
import { encodeSafetensors, SafetensorsFile, type FloatTensor } from "../../../src/core/checkpoint/index.ts";
import { cuma, type CliResult } from "../../support/cli.ts";
import { temporaryFolder } from "../../support/folder.ts";

// What can be wrong with what a user gives. Each case damages a copy of something good and runs a command on it. The
// command must say on standard error what is wrong and where, and leave nothing that could be taken for a result.

export const root = temporaryFolder("bad");
chmodSync(root, 0o755);
export const env = {
  ...process.env,
  CUMA_CACHE: join(root, "cache"),
  HF_HUB_OFFLINE: "1",
  HF_HUB_CACHE: join(root, "hub"),
};
export const goodBase = join(packageRoot, "assets", "demo-base");
export const goodData = join(root, "data");
export const goodAdapter = join(root, "adapter");
export const planted = ["--seed", "1", "--participants", "40", "--questions", "4"];

/** Makes what is good before the tests of a file, and takes everything away after them. */
export function withGoodFiles(): void {
  beforeAll(async () => {
    expect(await run(["data", "planted", "--out", goodData, ...planted])).toMatchObject({ code: 0 });
    expect(await run(train(goodAdapter))).toMatchObject({ code: 0 });
  });
}

export function run(args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<CliResult> {
  return cuma(args, { env: { ...env, ...more } });
}

/** What a command that failed as it should says after its progress. */
export function refusal({ code, signal, stdout, stderr }: CliResult, expectedCode = 1): string {
  expect({ code, signal, stdout }, stderr).toEqual({ code: expectedCode, signal: null, stdout: "" });
  expect(stderr).not.toMatch(/^ +at |node:|\.js:\d|undefined|\[object/m);
  expect(stderr.match(/^error: /gm), stderr).toHaveLength(1);
  return stderr.slice(stderr.indexOf("error: ")).trimEnd();
}

type Case = readonly [args: () => readonly string[], says: RegExp, env?: NodeJS.ProcessEnv];

export function refused(title: string, code: number, cases: Readonly<Record<string, Case>>): void {
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
export const fresh = (name: string): string => join(root, `${++made}-${name}`);

export function textFile(name: string, content: string | Uint8Array): string {
  const path = fresh(name);
  writeFileSync(path, content);
  return path;
}

export function copy(folder: string, damage: (dir: string) => void): string {
  const dir = fresh("copy");
  cpSync(folder, dir, { recursive: true });
  damage(dir);
  return dir;
}

export type Json = Record<string, unknown>;
export function editJson(path: string, edit: (json: Json) => unknown): void {
  const json = JSON.parse(readFileSync(path, "utf8")) as Json;
  edit(json);
  writeFileSync(path, JSON.stringify(json));
}

export function editTensors(path: string, edit: (tensors: Record<string, FloatTensor>) => unknown): void {
  const file = SafetensorsFile.open(path);
  const tensors = Object.fromEntries(file.names.map((name) => [name, file.read(name)]));
  file.close();
  edit(tensors);
  writeFileSync(path, encodeSafetensors(tensors));
}

export function overwrite(path: string, at: number, bytes: Uint8Array): void {
  const fd = openSync(path, "r+");
  writeSync(fd, bytes, 0, bytes.length, at);
  closeSync(fd);
}

export const answer = (...more: string[]): string[] => [
  ...["answer", "--question", "Tea?", "--option", "Yes", "--option", "No", ...more],
];
export function train(out = fresh("out"), ...more: string[]): string[] {
  const set = ["train.maxSteps=2", "train.batchSize=4", "adapter.numExperts=2", "adapter.routerHidden=8"];
  return [
    ...["train", "--base", "demo", "--data", goodData, "--out", out],
    ...["data.attributes=[country, religion]", ...set].flatMap((assignment) => ["--set", assignment]),
    ...more,
  ];
}
export const evaluate = (out = fresh("out"), ...more: string[]): string[] => [
  ...["eval", "--base", "demo", "--data", goodData, "--out", out, "--resamples", "20", ...more],
];

/** `answer` on a damaged base. */
export const base =
  (damage: (dir: string) => void): (() => string[]) =>
  () =>
    answer("--base", copy(goodBase, damage));
export const config = (edit: (json: Json) => unknown): (() => string[]) =>
  base((dir) => {
    editJson(join(dir, "config.json"), edit);
  });
export const write =
  (name: string, content: string) =>
  (dir: string): void => {
    writeFileSync(join(dir, name), content);
  };
export const remove =
  (name: string) =>
  (dir: string): void => {
    rmSync(join(dir, name), { recursive: true });
  };
export const rename =
  (from: string, to: string) =>
  (dir: string): void => {
    renameSync(join(dir, from), join(dir, to));
  };

export const set = (assignment: string) => (): string[] => train(undefined, "--set", assignment);

export const VALUES = "train/train_value_qa.tsv";
export const TENSORS = "adapter_model.safetensors";
