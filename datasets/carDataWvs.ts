import { join } from "node:path";
import { z } from "zod";
import { sha256File } from "../src/core/io/index.ts";
import { delimited } from "../src/core/tables/delimited.ts";
import type { Profile } from "../src/core/text/index.ts";
import { checkJson, Rng } from "../src/core/util/index.ts";
import { checkLoading } from "./arguments.ts";
import type { ChoiceExample } from "./choiceExample.ts";
import { select, type LoadOptions, type Source } from "./source.ts";

const FILE = "wvs.csv";
const OPTIONS = ["Too Little", "About Right", "Too Much"];
const QUESTION =
  "Is what the government is doing for people in poverty in this country about the right amount, too much, or too little?";

const rowSchema = z.array(
  z.object({
    poverty: z.enum(OPTIONS),
    religion: z.enum(["yes", "no"]),
    degree: z.enum(["yes", "no"]),
    country: z.string().min(1),
    age: z.coerce.number().int().min(0).max(130),
    gender: z.enum(["male", "female"]),
  }),
);

/**
 * Loads `wvs.csv`, the data set WVS of the R package carData: 5,381 respondents of the World Values Survey in four countries
 * (1995-1997), one ordered answer and five attributes. Ages are given in tens of years. Respondents are drawn into splits: 60% train, 10%
 * valid, 30% test.
 * @throws CumaError naming the file, and the row (from 0) and field that is not as described.
 */
export async function loadCarDataWvs(
  dir: string,
  split: string,
  options: LoadOptions = {},
): Promise<Source<ChoiceExample>> {
  checkLoading(dir, split, options);
  const { limit, seed = 0 } = options;
  const path = join(dir, FILE);
  const cells: unknown[] = [];
  for await (const row of delimited(path, { delimiters: [","] })) cells.push(row.cells);
  const rows = checkJson(path, cells, rowSchema);
  const profiles = new Map<string, Profile>();
  const people = rows.map(({ religion, degree, country, age, gender }) => {
    const decade = Math.floor(age / 10) * 10;
    const profile: Profile = {
      country,
      age: `${decade}-${decade + 9} years`,
      gender,
      education: degree === "yes" ? "university degree" : "no university degree",
      religion: religion === "yes" ? "belongs to a religion" : "belongs to no religion",
    };
    const text = JSON.stringify(profile);
    if (!profiles.has(text)) profiles.set(text, profile);
    return profiles.get(text)!;
  });
  const all: Source<ChoiceExample> = {
    length: rows.length,
    at(index) {
      const row = rows[index];
      if (!row) throw new RangeError(`expected an index in [0, ${rows.length}); found ${index}`);
      return {
        id: String(index + 1),
        questionId: "poverty",
        participantId: String(index + 1),
        profile: people[index]!,
        question: QUESTION,
        options: OPTIONS,
        ordered: true,
        answer: OPTIONS.indexOf(row.poverty),
        target: null,
        weight: 1,
      };
    },
    attributes: ["country", "age", "gender", "education", "religion"],
    known: [...profiles.values()],
    files: { [FILE]: await sha256File(path) },
  };
  const order = new Rng(0, "carData", "splits").shuffle(rows.map((_, i) => i));
  const [trainEnd, validEnd] = [Math.round(0.6 * rows.length), Math.round(0.7 * rows.length)];
  const members = {
    train: order.slice(0, trainEnd),
    valid: order.slice(trainEnd, validEnd),
    test: order.slice(validEnd),
    full: order,
  }[split as "train" | "valid" | "test" | "full"].sort((a, b) => a - b);
  return select(all, limit === undefined ? members : new Rng(seed, "carData", split).shuffle(members).slice(0, limit));
}
