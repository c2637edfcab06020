import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { resolveModel } from "../../src/core/checkpoint/resolve.ts";
import { COMMIT, FakeHub, small, weights } from "../support/fakeHub.ts";

const root = mkdtempSync(join(tmpdir(), "cuma-resolve-"));
const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();

describe("folders", () => {
  test("that exist are used as they are", async () => {
    expect(await resolveModel(root)).toEqual({ folder: root, source: root, revision: null });
    expect(await resolveModel("src")).toEqual({ folder: "src", source: "src", revision: null });
    expect(await resolveModel("./src/core", { revision: "v1" })).toMatchObject({ revision: null });
    expect((await resolveModel("~")).folder).toBe(join(homedir()));
  });

  test.each(["./none", "../none/at-all", "/none/at/all", "~/none-at-all", "~nobody/none"])(
    "%s looks like a path and is not there",
    async (name) => {
      await expect(resolveModel(name)).rejects.toThrow(`${name}: there is no such folder`);
    },
  );

  test("names that are neither path nor hub id", async () => {
    await expect(resolveModel("package.json")).rejects.toThrow(
      "package.json: is a file; expected the folder of a model",
    );
    for (const name of ["none", "a/b/c", "org/na me", "org/..", ""]) {
      await expect(resolveModel(name)).rejects.toThrow(`"${name}" is neither an existing folder nor a hub id`);
    }
    await expect(resolveModel("org/name", { revision: "../x" })).rejects.toThrow(`"../x" is not a revision`);
  });
});

describe("hub ids", () => {
  let hub: FakeHub;
  let hubUrl: string;
  let cache: string;
  let storage: string;

  beforeEach(async () => {
    hub = new FakeHub();
    hubUrl = await hub.start();
    cache = mkdtempSync(join(root, "cache"));
    storage = join(cache, "models--org--name");
    vi.stubEnv("HF_HUB_CACHE", cache);
    vi.stubEnv("HF_HUB_OFFLINE", "");
    vi.stubEnv("HF_TOKEN", "");
    vi.stubEnv("HF_ENDPOINT", `${hubUrl}/`);
  });
  afterEach(() => {
    hub.stop();
    vi.unstubAllEnvs();
  });

  test("are downloaded into the standard cache, only what is needed", async () => {
    const progress: string[] = [];
    const found = await resolveModel("org/name", { onProgress: (message) => progress.push(message) });
    const folder = join(storage, "snapshots", COMMIT);
    expect(found).toEqual({ folder, source: "org/name", revision: COMMIT });
    const expected = Object.keys(small).filter((path) => !/README|\.bin|onnx|^sub/.test(path));
    expect(filesIn(folder)).toEqual([...expected, "model.safetensors"].sort());
    expect(readFileSync(join(folder, "model.safetensors")).equals(weights)).toBe(true);
    expect(readFileSync(join(folder, "1_Pooling/config.json"), "utf8")).toBe('{"file": "1_Pooling/config.json"}');
    expect(readFileSync(join(storage, "refs/main"), "utf8")).toBe(COMMIT);
    expect(readlinkSync(join(folder, "1_Pooling/config.json"))).toMatch(/^(\.\.\/){3}blobs\/[0-9a-f]{40}$/);
    expect(readdirSync(join(storage, "blobs")).filter((name) => !/^[0-9a-f]{40,64}$/.test(name))).toEqual([]);
    expect(hub.contents.at(-1)).toBe("model.safetensors");
    expect(progress.at(-1)).toMatch(/^org\/name: model\.safetensors: 200\.0 kB of 200\.0 kB, .*B\/s$/);
    expect(existsSync(join(storage, "lock"))).toBe(false);
  });

  test("are taken from the cache without network", async () => {
    const first = await resolveModel("org/name", { revision: "v1.0" });
    hub.stop();
    expect(await resolveModel("org/name", { revision: "v1.0" })).toEqual(first);
    expect(await resolveModel("org/name", { revision: COMMIT, offline: true })).toEqual(first);
    await expect(resolveModel("org/name")).rejects.toThrow(/model "org\/name" \(main\) is not in the cache/);
  });

  test("that other programs have cached are used, if they are complete", async () => {
    const folder = join(storage, "snapshots", COMMIT);
    mkdirSync(folder, { recursive: true });
    mkdirSync(join(storage, "refs"));
    writeFileSync(join(storage, "refs/main"), COMMIT);
    writeFileSync(join(folder, "config.json"), "{}");
    await expect(resolveModel("org/name", { offline: true })).rejects.toThrow(
      `model "org/name" (main) lacks tokenizer.json in the cache ${cache}, and the network is not to be used`,
    );
    writeFileSync(join(folder, "tokenizer.json"), "{}");
    const index = { weight_map: { a: "model-1.safetensors", b: "model-2.safetensors" } };
    writeFileSync(join(folder, "model.safetensors.index.json"), JSON.stringify(index));
    writeFileSync(join(folder, "model-1.safetensors"), "");
    await expect(resolveModel("org/name", { offline: true })).rejects.toThrow(/lacks model-2\.safetensors/);
    writeFileSync(join(folder, "model-2.safetensors"), "");
    expect((await resolveModel("org/name", { offline: true })).folder).toBe(folder);
    await expect(resolveModel("org/name", { offline: true, files: ["modules.json"] })).rejects.toThrow(
      /lacks modules\.json/,
    );
    // With the network, only what is missing is fetched.
    const file = "model.safetensors.index.json";
    hub.files = {
      ...small,
      [file]: Buffer.from(JSON.stringify(index)),
      "model-1.safetensors": weights,
      "model-2.safetensors": weights,
    };
    await resolveModel("org/name", { files: ["modules.json"] });
    expect(hub.contents).toContain("modules.json");
    expect(hub.contents).not.toContain("config.json");
    expect(hub.contents).not.toContain("model-1.safetensors");
    await expect(resolveModel("org/name", { files: ["none.json"] })).rejects.toThrow(/has no none\.json/);
    writeFileSync(join(folder, file), '{"weight_map": {"a": "../x.safetensors"}}');
    await expect(resolveModel("org/name")).rejects.toThrow(
      /index\.json: tensor "a" is in "\.\.\/x\.safetensors"; expected the name of a safetensors file/,
    );
  });

  test("with several shards: the index says which weights are fetched", async () => {
    const index = { weight_map: { a: "model-1.safetensors", b: "model-2.safetensors", c: "model-1.safetensors" } };
    hub.files = {
      "config.json": Buffer.from("{}"),
      "tokenizer.json": Buffer.from("{}"),
      "model.safetensors.index.json": Buffer.from(JSON.stringify(index)),
      "model-1.safetensors": Buffer.from("one"),
      "model-2.safetensors": Buffer.from("two"),
      "consolidated.safetensors": Buffer.from("both"),
    };
    const { folder } = await resolveModel("org/name");
    expect(readdirSync(folder)).not.toContain("consolidated.safetensors");
    expect(hub.contents.slice(-2)).toEqual(["model-1.safetensors", "model-2.safetensors"]);
  });

  test("go on where the connection was cut", async () => {
    hub.cuts = [70_000, 50_000];
    const { folder } = await resolveModel("org/name");
    expect(readFileSync(join(folder, "model.safetensors")).equals(weights)).toBe(true);
    const asked = hub.contents.filter((path) => path.startsWith("model.safetensors"));
    expect(asked).toEqual(["model.safetensors", "model.safetensors from 70000", "model.safetensors from 120000"]);
  });

  test("go on in the next run where this one gave up", { timeout: 60_000 }, async () => {
    hub.cuts = [70_000, 0, 0, 0, 0];
    await expect(resolveModel("org/name")).rejects.toThrow(
      /model "org\/name" \(main\) is not in the cache .*, and the hub was not reached: /,
    );
    expect(existsSync(join(storage, "refs/main"))).toBe(false);
    hub.requests.length = 0;
    const { folder } = await resolveModel("org/name");
    expect(hub.contents).toEqual(["model.safetensors from 70000"]);
    expect(readFileSync(join(folder, "model.safetensors")).equals(weights)).toBe(true);
  });

  test("whose content does not have its hash are refused, and nothing of it is kept", async () => {
    hub.wrong = Buffer.from(weights.map((byte, i) => (i === 5 ? byte ^ 1 : byte)));
    await expect(resolveModel("org/name")).rejects.toThrow(
      /model\.safetensors: expected 200000 bytes with hash [0-9a-f]{64}, the hub sent 200000 with [0-9a-f]{64}; run again/,
    );
    expect(readdirSync(join(storage, "blobs")).filter((name) => name.endsWith(".incomplete"))).toEqual([]);
    hub.wrong = undefined;
    expect((await resolveModel("org/name")).revision).toBe(COMMIT);
  });

  test("without safetensors weights are refused", async () => {
    hub.files = small;
    await expect(resolveModel("org/name")).rejects.toThrow(
      /model "org\/name" \(main\) has no model\.safetensors; found config\.json, .*pytorch_model\.bin/,
    );
  });

  test("offline: the message says where it was looked for and what can be done", async () => {
    const advice = "give the folder of a downloaded model instead, or set HF_HUB_CACHE to a cache that has it";
    vi.stubEnv("HF_HUB_OFFLINE", "1");
    await expect(resolveModel("org/name")).rejects.toThrow(
      `model "org/name" (main) is not in the cache ${cache}, and the network is not to be used; ${advice}`,
    );
    expect(hub.tokens.size).toBe(0);
    vi.stubEnv("HF_HUB_OFFLINE", "0");
    hub.stop();
    await expect(resolveModel("org/name")).rejects.toThrow(
      new RegExp(`is not in the cache .*, and the hub was not reached: fetch failed \\(.*ECONNREFUSED.*\\); ${advice}`),
    );
  });

  test("that the hub refuses", async () => {
    await expect(resolveModel("org/none")).rejects.toThrow(
      /model "org\/none" \(main\): the hub refuses: Repository not found.*is there such a model, and such a revision\?/,
    );
    await expect(resolveModel("org/gated")).rejects.toThrow(
      /Access is restricted.*accept its terms on the hub and set HF_TOKEN/,
    );
  });

  test("are asked for with the token in HF_TOKEN", async () => {
    vi.stubEnv("HF_TOKEN", "hf_abc");
    await resolveModel("org/name");
    expect([...hub.tokens]).toEqual(["Bearer hf_abc"]);
  });

  test("where a folder of the cache cannot be made, the message names it", async () => {
    writeFileSync(storage, "");
    await expect(resolveModel("org/name")).rejects.toThrow(/models--org--name.*: cannot be made: it is a file/);
  });
});

afterAll(() => rmSync(root, { recursive: true }));
