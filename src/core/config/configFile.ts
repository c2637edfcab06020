import { z } from "zod";
import { readText } from "../io/index.ts";
import { count, describeIssue, excerpt, isRecord, messageOf, nearest, showPath, UsageError } from "../util/index.ts";
import { readYaml, type YamlValue } from "./yaml.ts";

const MAX_BYTES = 1_000_000;
const COMMAND_LINE = "the command line";
/** Things that are wrong with a file of which a message tells. */
const MAX_ISSUES = 20;

/** A configuration as it stands in a file and on the command line, before it is checked. */
export interface RawConfig {
  readonly value: Record<string, unknown>;
  /** For messages: where the innermost known part of a path stands, such as "run.yaml:3" or "the command line". */
  where(path: readonly PropertyKey[]): string;
}

/** @throws UsageError naming file and line where it is not YAML, or not a map of keys. */
export function readConfigFile(path: string): RawConfig {
  const found = readYaml(read(path), (line) => `${path}:${line}`);
  if (!isRecord(found.value)) throw new UsageError(`${path}: expected a map of keys, such as "key: value"`);
  return {
    value: found.value,
    where(keys) {
      const line = lineOf(found, keys);
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

/** Line of the innermost part of a path that is there; undefined where not even its first key is. */
function lineOf(found: YamlValue, path: readonly PropertyKey[]): number | undefined {
  let line: number | undefined;
  let at: YamlValue | undefined = found;
  for (const key of path) {
    at = at.parts.get(String(key));
    if (!at) break;
    line = at.line;
  }
  return line;
}

/**
 * Sets a key by its path: "train.lr" to 0.001. Values are read as YAML, so that numbers, lists and null are what they
 * look like.
 * @throws UsageError where the assignment is not of the form a.b=c.
 */
export function setKey(config: RawConfig, assignment: string): RawConfig {
  const match = /^([a-z]\w*(?:\.[a-z]\w*)*)=(.*)$/is.exec(assignment);
  const flag = `--set ${excerpt(assignment)}`;
  if (!match) throw new UsageError(`${flag}: expected key=value, such as train.lr=1e-4`);
  return withKey(config, match[1]!.split("."), readYaml(match[2]!, () => flag).value);
}

/** A copy of a configuration with one key set; messages about it name the command line. */
export function withKey(config: RawConfig, path: readonly string[], value: unknown): RawConfig {
  const name = path.join(".");
  const copy = structuredClone(config.value);
  let at: Record<string, unknown> = copy;
  for (const key of path.slice(0, -1)) {
    const next = Object.hasOwn(at, key) ? at[key] : undefined;
    if (next === undefined || next === null) at = at[key] = {} as Record<string, unknown>;
    else if (isRecord(next)) at = next;
    else throw new UsageError(`--set ${excerpt(name)}: "${excerpt(key)}" is not a map of keys`);
  }
  at[path.at(-1)!] = value;
  const isSet = (keys: readonly PropertyKey[]): boolean => path.every((key, i) => keys[i] === key);
  return { value: copy, where: (keys) => (isSet(keys) ? COMMAND_LINE : config.where(keys)) };
}

/** @throws UsageError with one line for each thing that is wrong, as far as a message can: file, line, key, expected, found. */
export function checkConfig<T>(config: RawConfig, schema: z.ZodType<T>): T {
  const result = schema.safeParse(config.value);
  if (result.success) return result.data;
  const wrong = result.error.issues.flatMap((issue): { issue: z.core.$ZodIssue; path: PropertyKey[] }[] =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => ({ issue, path: [...issue.path, key] }))
      : [{ issue, path: issue.path }],
  );
  const messages = wrong.slice(0, MAX_ISSUES).map(({ issue, path }) => {
    const isKey = issue.code === "unrecognized_keys";
    const what = isKey ? unknownKey(path, keysAt(schema, issue.path)) : describe(issue, config.value);
    return `${config.where(path)}: ${what}`;
  });
  const more = wrong.length - messages.length;
  throw new UsageError([...messages, ...(more > 0 ? [`and ${count(more, "more thing")}`] : [])].join("\n"));
}

function unknownKey(path: readonly PropertyKey[], valid: readonly string[]): string {
  const guess = nearest(String(path.at(-1)), valid);
  const unknown = `unknown key "${showPath(path)}"`;
  if (guess !== undefined) return `${unknown}; did you mean "${guess}"?`;
  return valid.length > 0 ? `${unknown}; expected one of ${valid.join(", ")}` : unknown;
}

function describe(issue: z.core.$ZodIssue, value: unknown): string {
  const { path, message } = issue;
  return message.startsWith("unknown ") ? `"${showPath(path)}": ${message}` : describeIssue(issue, value);
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
