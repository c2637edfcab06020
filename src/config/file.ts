import { isMap, isSeq, LineCounter, parseDocument, type Document } from "yaml";
import { z } from "zod";
import { readText } from "../io/index.ts";
import { describeIssue, messageOf, nearest, UsageError } from "../util/index.ts";

const MAX_BYTES = 1_000_000;
const COMMAND_LINE = "the command line";

/** A configuration as it stands in a file and on the command line, before it is checked. */
export interface RawConfig {
  readonly value: Record<string, unknown>;
  /** For messages: where the innermost known part of a path stands, such as "run.yaml:3" or "the command line". */
  where(path: readonly PropertyKey[]): string;
}

/** @throws UsageError naming file and line where it is not YAML, or not a map of keys. */
export function readConfigFile(path: string): RawConfig {
  const lines = new LineCounter();
  const document = parseDocument(read(path), { lineCounter: lines, uniqueKeys: true, logLevel: "error" });
  const [error] = document.errors;
  if (error) {
    throw new UsageError(`${path}:${lines.linePos(error.pos[0]).line}: ${error.message.split("\n")[0]!}`);
  }
  if (!isMap(document.contents)) throw new UsageError(`${path}: expected a map of keys, such as "key: value"`);
  return {
    value: valueOf(document, path) as Record<string, unknown>,
    where(keys) {
      const line = lineOf(document, lines, keys);
      return line === undefined ? path : `${path}:${line}`;
    },
  };
}

export function emptyConfig(): RawConfig {
  return { value: {}, where: () => COMMAND_LINE };
}

function read(path: string): string {
  try {
    return readText(path, MAX_BYTES);
  } catch (error) {
    throw new UsageError(messageOf(error), { cause: error });
  }
}

/** @throws UsageError for aliases that name nothing, or too much. */
function valueOf(document: Document, source: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new UsageError(`${source}: ${messageOf(error)}`, { cause: error });
  }
}

function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number | undefined {
  let node: unknown = document.contents;
  let offset: number | undefined;
  for (const key of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => String((item.key as { value?: unknown }).value) === String(key));
      if (!pair) break;
      offset = (pair.key as { range?: readonly number[] }).range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(key)];
      offset = (node as { range?: readonly number[] } | undefined)?.range?.[0] ?? offset;
    }
  }
  return offset === undefined ? undefined : lines.linePos(offset).line;
}

/**
 * Sets a key by its path: "train.lr" to 0.001. Values are read as YAML, so that numbers, lists and null are what they
 * look like.
 * @throws UsageError where the assignment is not of the form a.b=c.
 */
export function setKey(config: RawConfig, assignment: string): RawConfig {
  const match = /^([a-z]\w*(?:\.[a-z]\w*)*)=(.*)$/is.exec(assignment);
  if (!match) throw new UsageError(`--set ${assignment}: expected key=value, such as train.lr=1e-4`);
  const document = parseDocument(match[2]!);
  if (document.errors.length > 0) throw new UsageError(`--set ${assignment}: the value is not YAML`);
  return withKey(config, match[1]!.split("."), valueOf(document, `--set ${assignment}`));
}

/** A copy of a configuration with one key set; messages about it name the command line. */
export function withKey(config: RawConfig, path: readonly string[], value: unknown): RawConfig {
  const copy = structuredClone(config.value);
  let at: Record<string, unknown> = copy;
  for (const key of path.slice(0, -1)) {
    const next = Object.hasOwn(at, key) ? at[key] : undefined;
    if (next === undefined || next === null) at = at[key] = {} as Record<string, unknown>;
    else if (typeof next === "object" && !Array.isArray(next)) at = next as Record<string, unknown>;
    else throw new UsageError(`--set ${path.join(".")}: "${key}" is not a map of keys`);
  }
  at[path.at(-1)!] = value;
  const isSet = (keys: readonly PropertyKey[]): boolean => path.every((key, i) => keys[i] === key);
  return { value: copy, where: (keys) => (isSet(keys) ? COMMAND_LINE : config.where(keys)) };
}

/** @throws UsageError with one line for each thing that is wrong: file, line, key, expected, found. */
export function checkConfig<T>(config: RawConfig, schema: z.ZodType<T>): T {
  const result = schema.safeParse(config.value);
  if (result.success) return result.data;
  const messages = result.error.issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => {
        const path = [...issue.path, key];
        const valid = keysAt(schema, issue.path);
        const guess = nearest(key, valid);
        const hint =
          guess !== undefined
            ? `; did you mean "${guess}"?`
            : valid.length > 0
              ? `; expected one of ${valid.join(", ")}`
              : "";
        return `${config.where(path)}: unknown key "${path.join(".")}"${hint}`;
      });
    }
    const { path, message } = issue;
    const what = message.startsWith("unknown ")
      ? `"${path.join(".")}": ${message}`
      : describeIssue(issue, config.value);
    return [`${config.where(path)}: ${what}`];
  });
  throw new UsageError(messages.join("\n"));
}

/** The keys that a schema has at a path, as far as it is made of objects. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let at: unknown = schema;
  for (const key of path) at = shapeOf(at)?.[String(key)];
  return Object.keys(shapeOf(at) ?? {});
}

function shapeOf(schema: unknown): Record<string, z.ZodType> | undefined {
  let at = schema;
  while (
    at instanceof z.ZodDefault ||
    at instanceof z.ZodPrefault ||
    at instanceof z.ZodNullable ||
    at instanceof z.ZodOptional
  ) {
    at = at.unwrap();
  }
  return at instanceof z.ZodObject ? at.shape : undefined;
}
