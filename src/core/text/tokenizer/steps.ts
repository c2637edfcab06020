import * as z from "zod";
import { CumaError, describeIssue, excerpt, show } from "../../util/index.ts";

/** A part of a tokenizer.json, for messages: the file's JSON and the way to the part. */
export interface Part {
  readonly file: string;
  readonly json: unknown;
  readonly path: readonly PropertyKey[];
}

/** One type of step: the options it may have, and what it does with them. */
export interface StepType<F> {
  build(options: unknown, part: Part): F;
}

/** The supported types of one section, by the name in "type". */
export type StepTypes<F> = Readonly<Record<string, StepType<F>>>;

/** Real tokenizers have three levels and a dozen steps. */
const MAX_DEPTH = 8;
const MAX_STEPS = 64;

/** An option that the JavaScript side has no use for: where text came from, not what its ids are. */
export const offsetsOnly = z.boolean().optional();

/** A type of step: an option that is not in `shape` is an error. */
export function stepType<S extends z.ZodRawShape, F>(
  shape: S,
  build: (options: z.output<z.ZodObject<S>>, part: Part) => F,
): StepType<F> {
  const schema = z.strictObject({ type: z.string(), ...shape });
  return { build: (options, part) => build(checkPart(options, schema, part) as z.output<z.ZodObject<S>>, part) };
}

/** @throws CumaError naming the file, the way to the value, what was expected and what was found. */
export function checkPart<T>(value: unknown, schema: z.ZodType<T>, { file, json, path }: Part): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new CumaError(`${file}: ${describeIssue({ ...issue, path: [...path, ...issue.path] }, json)}`);
}

/**
 * The steps of a section in their order, those inside of a "Sequence" among them.
 * @param children The option of "Sequence" that lists steps, such as "normalizers".
 * @throws CumaError naming a type or an option that is not supported.
 */
export function readSteps<F>(section: unknown, part: Part, types: StepTypes<F>, children: string): F[] {
  const steps: F[] = [];
  const visit = (value: unknown, path: readonly PropertyKey[], depth: number): void => {
    if (value === null || value === undefined) return;
    const here = { ...part, path };
    if (depth > MAX_DEPTH || steps.length >= MAX_STEPS) {
      throw new CumaError(
        `${part.file}: "${String(part.path[0])}" has more than ${MAX_STEPS} steps or ${MAX_DEPTH} levels of "Sequence"`,
      );
    }
    const { type } = checkPart(value, z.looseObject({ type: z.string() }), here);
    if (type === "Sequence") {
      const schema = z.strictObject({ type: z.string(), [children]: z.array(z.unknown()) });
      const list = checkPart(value, schema, here)[children] as readonly unknown[];
      list.forEach((child, i) => visit(child, [...path, children, i], depth + 1));
      return;
    }
    if (!Object.hasOwn(types, type)) {
      throw new CumaError(
        `${nameOf(here)} is of the type ${show(type)}, which is not supported; supported are ${["Sequence", ...Object.keys(types)].sort().join(", ")}`,
      );
    }
    steps.push(types[type]!.build(value, here));
  };
  visit(section, part.path, 0);
  return steps;
}

/** The name of a part for a message about how it runs: 'tokenizer.json: "normalizer.0"'. */
export function nameOf({ file, path }: Part): string {
  return `${file}: "${excerpt(path.join("."))}"`;
}
