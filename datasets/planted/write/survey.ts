import { join } from "node:path";
import { delimitedLine } from "../../../src/core/tables/quoting.ts";
import { writeJson, writeText } from "./files.ts";
import type { PlantedQuestion } from "../model.ts";
import type { Person } from "../people.ts";
import { SPLITS, type PlantedSpec, type Split } from "../spec.ts";
import { COUNTRIES, DEMOGRAPHICS, RELIGIONS, type Column } from "../words.ts";

const COLUMNS = Object.keys(DEMOGRAPHICS) as Column[];

/** Writes the survey in the layout of WorldValuesBench. */
export function writeSurvey(
  out: string,
  asked: readonly PlantedQuestion[],
  people: Readonly<Record<Split, readonly Person[]>>,
  spec: PlantedSpec,
): void {
  writeJson(out, "question_metadata.json", metadata(asked));
  writeJson(out, "codebook.json", codebook(asked, spec));
  writeJson(out, "answer_adjustment.json", adjustments(asked));
  for (const split of SPLITS) {
    const demographic = people[split].map(({ demographics }) => COLUMNS.map((column) => demographics[column]));
    const value = people[split].map(({ id, answers }) => [id, ...answers.map((k) => String(k + 1))]);
    const header = ["D_INTERVIEW", ...asked.map(({ id }) => id)];
    writeText(join(out, split), `${split}_demographic_qa.tsv`, table([COLUMNS, ...demographic]));
    writeText(join(out, split), `${split}_value_qa.tsv`, table([header, ...value]));
  }
}

function metadata(asked: readonly PlantedQuestion[]): Record<string, unknown> {
  const demographic = Object.entries(DEMOGRAPHICS).map(([id, { question }]) => [
    id,
    {
      question,
      category: "Demographic and Socioeconomic Variables",
      use_case: "demographic",
      answer_scale_min: "",
      answer_scale_max: "",
      answer_data_type: "non_ordinal",
    },
  ]);
  const value = asked.map(({ id, question, category, options, ordered }) => [
    id,
    {
      question,
      category,
      use_case: "value",
      answer_scale_min: 1,
      answer_scale_max: options.length,
      answer_data_type: ordered ? "ordinal" : "non_ordinal",
    },
  ]);
  return Object.fromEntries([...demographic, ...value]) as Record<string, unknown>;
}

/**
 * Raw codes of three questions differ from the scale, as in the real survey: Q2 has its last two levels swapped, Q3
 * has a code 0 that counts as 1, and Q4 has a code beyond the scale that counts as no answer.
 */
const ADJUSTMENTS: Readonly<Record<string, (levels: number) => Record<string, string>>> = {
  Q2: (levels) => ({ [levels - 1]: `${levels}`, [levels]: `${levels - 1}` }),
  Q3: () => ({ "0": "1" }),
  Q4: (levels) => ({ [levels + 1]: "" }),
};

function adjustments(asked: readonly PlantedQuestion[]): Record<string, Record<string, string>> {
  const entries = asked.flatMap(({ id, options }) => {
    const adjust = ADJUSTMENTS[id];
    return adjust ? [[id, adjust(options.length)] as const] : [];
  });
  return Object.fromEntries(entries);
}

function codebook(asked: readonly PlantedQuestion[], { countries, religions }: PlantedSpec): Record<string, unknown> {
  const adjusted = adjustments(asked);
  const missing = { "-1": "Don't know", "-2": "No answer" };
  const value = asked.map(({ id, question, options }) => {
    const choices: Record<string, string> = { ...missing };
    options.forEach((text, k) => (choices[adjusted[id]?.[k + 1] || k + 1] = text));
    for (const [code, level] of Object.entries(adjusted[id] ?? {}))
      choices[code] ??= level ? "Less than that" : "Other";
    return [id, { question, question_instruction: "", type: "multiple_choice", choices }] as const;
  });
  const named: Readonly<Record<string, { readonly texts: readonly string[]; readonly first: number }>> = {
    B_COUNTRY: { texts: COUNTRIES.slice(0, countries), first: 901 },
    Q289: { texts: RELIGIONS.slice(0, religions), first: 1 },
  };
  const demographic = Object.entries(DEMOGRAPHICS).map(([id, { question, filler }]) => {
    const { texts, first } = named[id] ?? { texts: filler, first: 1 };
    const codes = texts.map((text, i) => [first + i, text] as const);
    const choices = texts.length === 0 ? {} : { ...Object.fromEntries(codes), ...missing };
    return [id, { question, question_instruction: "", type: "multiple_choice", choices }] as const;
  });
  return Object.fromEntries([...demographic, ...value]);
}

function table(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => delimitedLine(row, "\t")).join("");
}
