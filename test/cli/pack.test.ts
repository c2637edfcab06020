import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";
import { packageRoot } from "../../src/app/package.ts";
import { temporaryFolder } from "../support/folder.ts";

const run = promisify(execFile);

const root = temporaryFolder("pack");
let project: string;
beforeAll(async () => {
  project = join(root, "project");
  mkdirSync(project);
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", root], { cwd: packageRoot });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "user", private: true, type: "module" }));
  await run("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", join(root, filename)], { cwd: project });
}, 300_000);

test("the packed command runs in a folder of its own", async () => {
  const { stdout } = await run("npx", ["cuma", "--help"], { cwd: project });
  expect(stdout).toContain("Usage: cuma");
});

test("the package holds what it needs and no tests or scripts", async () => {
  const { stdout } = await run("npm", ["pack", "--dry-run", "--json"], { cwd: packageRoot });
  const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }];
  const paths = files.map(({ path }) => path);
  for (const path of [
    "dist/src/index.js",
    "dist/src/index.d.ts",
    "dist/src/cli/main.js",
    "dist/src/commit.json",
    "assets/demo-base/model.safetensors",
    "LICENSE",
    "README.md",
  ]) {
    expect(paths).toContain(path);
  }
  expect(paths.filter((path) => /(^|\/)(test|scripts|shared)\//.test(path))).toEqual([]);
});

test("a TypeScript project of the user's compiles against it and gets answers", async () => {
  writeFileSync(
    join(project, "main.ts"),
    `import { CumaError, loadCuma, type Answer, type Cuma } from "cuma";
const model: Cuma = await loadCuma({ base: "demo" });
const answer: Answer = await model.answer({ profile: { country: "Belmora" }, question: "Tea?", options: ["Yes", "No"] });
const [last]: Float32Array[] = await model.logits({ inputIds: [[1, 2, 3]] });
const all: Float32Array[][] = await model.logits({ inputIds: [[1, 2, 3]], positions: "all" });
await model.dispose();
const known: string | null = await loadCuma({ base: "./nowhere" }).then(() => null, (error: unknown) => error instanceof CumaError ? error.message : null);
console.log(JSON.stringify({ distribution: answer.distribution, routing: answer.routing, error: Math.max(...last!.map((x, i) => Math.abs(x - all[0]![2]![i]!))), known }));
`,
  );
  const options = {
    compilerOptions: {
      strict: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      target: "ES2023",
      module: "NodeNext",
      typeRoots: [join(packageRoot, "node_modules", "@types")],
      types: ["node"],
    },
    files: ["main.ts"],
  };
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify(options));
  const tsc = join(packageRoot, "node_modules", "typescript", "bin", "tsc");
  await run(process.execPath, [tsc], { cwd: project }).catch((error: unknown) => {
    throw new Error((error as { stdout: string }).stdout);
  });
  const { stdout } = await run(process.execPath, ["main.js"], { cwd: project });
  const found = JSON.parse(stdout) as { distribution: number[]; routing: unknown[]; error: number; known: string };
  expect(found.distribution[0]! + found.distribution[1]!).toBeCloseTo(1, 6);
  expect(found.error).toBeLessThan(1e-4);
  expect(found).toMatchObject({ routing: [], known: "./nowhere: there is no such folder" });
  expect(readFileSync(join(project, "package-lock.json"), "utf8")).toContain('"node_modules/onnxruntime-node"');
});
