import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createContext, runInContext } from "node:vm";
import { build, type BuildOptions, type Metafile, type OutputFile } from "esbuild";
import { expect, test } from "vitest";
import { loadTokenizer } from "../../src/core/text/folder.ts";
import type * as Page from "./page.ts";

const ROOT = join(import.meta.dirname, "../..");
/** Loaded by a dynamic import, when somebody asks for that engine. */
const NODE_ENGINE = "./src/core/engine/onnxruntime/node.ts";
/** Packages that a page does without, for they need Node.js or are large. */
const PACKAGES_OF_NODE = ["onnxruntime-node", "undici", "apache-arrow", "parquet-wasm"];

/** Of npm, in the bundle. */
const PACKAGES = [
  "@bufbuild/protobuf",
  "@huggingface/jinja",
  "@huggingface/tokenizers",
  "@noble/hashes",
  "zod",
  // The topology's.
  ...["heap", "ml-distance-euclidean", "ml-distance-matrix", "ml-hclust", "ml-matrix"],
];
/** Of ours; of `train` the objectives. */
const ROOMS = [
  ...["autodiff", "decoder", "engine", "graph", "inference", "onnx", "ops", "stats", "text", "train", "util"].map(
    (room) => `src/core/${room}`,
  ),
  "adapters",
  "router",
];

/** Bundles for a page; what only Node.js can load stays an import, for `nodeImports` to find. */
async function bundle(entry: BuildOptions): Promise<{ code: OutputFile; metafile: Metafile }> {
  const { outputFiles, metafile } = await build({
    ...entry,
    absWorkingDir: ROOT,
    bundle: true,
    minify: true,
    platform: "browser",
    format: "iife",
    globalName: "page",
    external: ["node:*", NODE_ENGINE, ...PACKAGES_OF_NODE],
    metafile: true,
    write: false,
    logLevel: "error",
  });
  return { code: outputFiles[0]!, metafile };
}

/** A bundle of modules, all of what they export in use. */
function bundleOf(modules: readonly string[]) {
  const contents = modules.map((module, i) => `export * as m${i} from "./${module}";`).join("\n");
  return bundle({ stdin: { contents, resolveDir: ROOT, sourcefile: "entry" } });
}

/** How a bundle comes to import what is not in it: "entry > src/core/io/bytes.ts > node:fs". */
function nodeImports({ inputs }: Metafile, entry = "entry"): string[] {
  const found: string[] = [];
  const seen = new Set([entry]);
  const queue = [[entry]];
  for (const chain of queue) {
    for (const { path, external } of inputs[chain.at(-1)!]!.imports) {
      if (external) found.push([...chain, path].join(" > "));
      else if (!seen.has(path)) queue.push([...chain, path]);
      seen.add(path);
    }
  }
  return found;
}

/** The files that dependency-cruiser holds to import nothing of Node.js by themselves. */
function pureFiles(): string[] {
  const { forbidden } = createRequire(import.meta.url)("../../.dependency-cruiser.cjs") as {
    forbidden: readonly { name: string; from: { path: string; pathNot: readonly string[] } }[];
  };
  const { path, pathNot } = forbidden.find(({ name }) => name === "pure-rooms-import-no-node")!.from;
  return ["src/core", "router", "adapters"]
    .flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).map((file) => `${folder}/${file}`),
    )
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => file.endsWith(".ts") && new RegExp(path).test(file))
    .filter((file) => !pathNot.some((pattern) => new RegExp(pattern).test(file)))
    .sort();
}

/** Bytes in the bundle by package of npm, or by room. */
function contentsOf({ outputs }: Metafile): Record<string, number> {
  const bytes: Record<string, number> = {};
  for (const [file, { bytesInOutput }] of Object.entries(Object.values(outputs)[0]!.inputs)) {
    const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)|^((?:src\/core\/)?[^/]+)\//.exec(file);
    if (!name || bytesInOutput === 0) continue;
    const part = name[1] ?? name[2]!;
    bytes[part] = (bytes[part] ?? 0) + bytesInOutput;
  }
  return bytes;
}

/** What a bundle exports where there is the language and what every browser has, without `process`, `Buffer` or `require`. */
function loadPage(code: OutputFile): unknown {
  return runInContext(`${code.text}; page`, createContext({ TextEncoder, TextDecoder }));
}

test("the rooms that a browser can run import nothing of Node.js, and are small", async () => {
  const { code, metafile } = await bundleOf(pureFiles());
  expect(nodeImports(metafile)).toEqual([`entry > src/core/engine/table.ts > ${NODE_ENGINE}`]);
  const contents = contentsOf(metafile);
  console.log(`all of the rooms that a browser can run, minified: ${code.contents.length} bytes`, contents);
  expect(Object.keys(contents).sort()).toEqual([...PACKAGES, ...ROOMS].sort());
  expect(code.contents.length).toBeLessThan(500_000);
  loadPage(code);
});

test("a module of Node.js is found with the way to it", async () => {
  const { metafile } = await bundleOf(["src/core/text/folder.ts"]);
  expect(nodeImports(metafile)).toContain("entry > src/core/text/folder.ts > node:fs");
  expect(nodeImports(metafile)).toContain(
    "entry > src/core/text/folder.ts > src/core/io/index.ts > src/core/io/byteSource.ts > node:fs",
  );
});

test("a page computes, tokenises and writes prompts without Node.js", async () => {
  const { code, metafile } = await bundle({ entryPoints: ["test/browser/page.ts"] });
  console.log(`a page that uses some, minified: ${code.contents.length} bytes`, contentsOf(metafile));
  expect(code.contents.length).toBeLessThan(300_000);
  const page = loadPage(code) as typeof Page;

  const [x, y] = [Math.exp(1), Math.exp(-2)];
  const [z, w] = [Math.exp(3), Math.exp(-4)];
  const expected = [x / (x + y), y / (x + y), z / (z + w), w / (z + w)];
  (await page.attention()).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 14));

  const base = join(ROOT, "assets/demo-base");
  const names = ["tokenizer.json", "tokenizer_config.json"];
  const fetched = Object.fromEntries(names.map((name) => [name, readFileSync(join(base, name), "utf8")]));
  const text = "How often do you pray? A. Never. B. Daily.";
  const { ids, decoded } = page.tokenise(fetched, text);
  expect(Array.from(ids)).toEqual(loadTokenizer(base).encode(text, { addSpecialTokens: true }));
  expect(decoded).toBe(text);
  expect(() => page.tokenise({ "tokenizer.json": "{}" }, text)).toThrow(
    'tokenizer.json: "model": expected object; found nothing',
  );

  const source = "{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}[assistant]";
  const messages = [{ role: "user", content: "Hello" }] as const;
  expect(page.render({ "chat_template.jinja": source }, messages)).toBe("<s>[user] Hello\n[assistant]");

  expect(Array.from(page.draws())).toEqual([2974628547, 1689608776, 0.8553315279342647]);
});
