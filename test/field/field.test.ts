import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { packageRoot } from "../../src/app/package.ts";
import { cuma, type CliResult } from "../support/cli.ts";
import { temporaryFolder } from "../support/folder.ts";

// Files as people really have them, each folder of `cases/` with the right outcome beside them: see README.md there.

const texts = z.union([z.string(), z.array(z.string())]).transform((found) => (Array.isArray(found) ? found : [found]));
const runSchema = z.strictObject({
  args: z.array(z.string()),
  env: z.record(z.string(), z.string()).default({}),
  exit: z.int().default(0),
  stdout: texts.default([]),
  stderr: texts.default([]),
  absent: texts.default([]),
  sameAs: z.int().positive().optional(),
});
const caseSchema = z.strictObject({
  about: z.string(),
  base: z.record(z.string(), z.union([z.null(), z.record(z.string(), z.unknown())])).optional(),
  runs: z.array(runSchema).min(1),
});

const folder = join(import.meta.dirname, "cases");
const root = temporaryFolder("field");

describe.concurrent("files from the field", () => {
  test.each(readdirSync(folder))("%s", async (name) => {
    const work = join(root, name);
    cpSync(join(folder, name), work, { recursive: true });
    const { base, runs } = caseSchema.parse(parse(readFileSync(join(work, "case.yaml"), "utf8")));
    if (base || existsSync(join(work, "base"))) makeBase(work, base ?? {});
    const results: CliResult[] = [];
    for (const { args, env, exit, ...expected } of runs) {
      const home = { HOME: join(work, "home"), CUMA_CACHE: join(work, "cache"), HF_HUB_OFFLINE: "1" };
      const result = await cuma(args, { cwd: work, env: { ...process.env, ...home, ...env } });
      results.push(result);
      const { stdout, stderr } = result;
      expect({ exit: result.code, signal: result.signal }, stderr).toEqual({ exit, signal: null });
      expect(stderr).not.toMatch(/^ +at |\bundefined\b|\[object/m);
      for (const text of expected.stdout) expect(stdout).toContain(text);
      for (const text of expected.stderr) expect(stderr).toContain(text);
      for (const text of expected.absent) expect(stdout + stderr).not.toContain(text);
      if (expected.sameAs !== undefined) expect(stdout).toBe(results[expected.sameAs - 1]!.stdout);
    }
  });
});

/** The demo base, with the case's own files laid over it, and with keys of its JSON files changed. */
function makeBase(work: string, edits: Readonly<Record<string, Readonly<Record<string, unknown>> | null>>): void {
  const base = join(work, "base");
  const own = join(work, "own");
  if (existsSync(base)) cpSync(base, own, { recursive: true });
  mkdirSync(base, { recursive: true });
  cpSync(join(packageRoot, "assets", "demo-base"), base, { recursive: true });
  if (existsSync(own)) cpSync(own, base, { recursive: true });
  for (const [name, edit] of Object.entries(edits)) {
    const path = join(base, name);
    if (edit === null) {
      rmSync(path);
      continue;
    }
    const json = existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>) : {};
    const changed = Object.entries({ ...json, ...edit }).filter(([, value]) => value !== null);
    writeFileSync(path, JSON.stringify(Object.fromEntries(changed)));
  }
}
