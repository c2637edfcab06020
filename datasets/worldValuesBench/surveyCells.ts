import { quoteField } from "../../src/core/tables/quoting.ts";
import { CumaError, excerpt, show } from "../../src/core/util/index.ts";
import type { Question } from "./questions.ts";

/** Why there is no answer: a negative code, one that the adjustment takes away, or nothing in the csv. */
export type Blank = "missingCode" | "adjustedAway" | "empty";

/** A cell of the benchmark's files. */
export interface Cell {
  /** As it stands in the tsv file. */
  readonly text: string;
  readonly blank?: Blank;
  readonly unknown?: boolean;
}

/**
 * What a field of the survey's csv becomes, by the three steps of `convertWvs`.
 * @throws CumaError naming the question.
 */
export function decideCell({ id, scale, choices, adjusted }: Question, field: string, where: string): Cell {
  if (field.trim() === "" || field.trim() === "NA") return { text: "", blank: "empty" };
  const code = integer(field);
  if (code === undefined)
    throw new CumaError(`${where}: ${excerpt(id)}: expected an integer code; found ${show(field)}`);
  const value = adjusted[code] ?? code;
  if (value === "") return { text: "", blank: "adjustedAway" };
  if (!scale) {
    const text = choices[value];
    if (text !== undefined) return { text: quoteField(text, "\t") };
    if (value.startsWith("-")) return { text: "", blank: "missingCode" };
    return { text: value, unknown: Object.keys(choices).some((choice) => !choice.startsWith("-")) };
  }
  if (value.startsWith("-")) return { text: "", blank: "missingCode" };
  if (!(code in choices)) {
    const known = excerpt(Object.keys(choices).join(", "));
    throw new CumaError(`${where}: ${excerpt(id)}: expected a code of the codebook (${known}); found ${code}`);
  }
  const [lowest, highest] = scale;
  if (Number(value) < lowest || Number(value) > highest) {
    const found = value === code ? value : `${value}, adjusted from ${code}`;
    throw new CumaError(`${where}: ${excerpt(id)}: expected an answer from ${lowest} to ${highest}; found ${found}`);
  }
  return { text: value };
}

/** `3`, ` 3` and `3.0` as "3"; undefined for what is no integer. */
export function integer(field: string): string | undefined {
  const value = /^[+-]?\d+(\.0*)?$/.test(field.trim()) ? Number(field) : NaN;
  return Number.isSafeInteger(value) ? String(value) : undefined;
}
