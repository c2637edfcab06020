import { join } from "node:path";
import { ONCE, totals, entropy, normalised } from "../../src/core/stats/index.ts";
import { inputOf } from "../../eval/predictions/input.ts";
import { prepareDispersion } from "../../eval/metrics/dispersion.ts";
import { evaluate, PredictionTableBuilder, type PredictionTable } from "../../eval/index.ts";
import { delimited } from "../../src/core/tables/delimited.ts";
import { readJson } from "../../src/core/io/index.ts";
import { markdown, number } from "./tables.ts";

const MODELS = ["gpt-3.5", "gpt-3.5_with_demographics", "mixtral", "mixtral_with_demographics"];
const GROUPINGS = { continent: "Continent", residence: "Urban / Rural", education: "Education" };
type Row = Readonly<Record<string, string>>;

/**
 * What can be said of the four models whose answers WorldValuesBench publishes, without the survey's answers: whether
 * their answers differ between groups beyond chance, and how spread they are.
 */
export async function publishedTables(dataRoot: string): Promise<string> {
  const dir = join(dataRoot, "worldvaluesbench");
  const people = new Map((await readTsv(join(dir, "probe_samples.tsv"))).map((row) => [row["D_INTERVIEW"]!, row]));
  const metadata = readJson(join(dir, "question_metadata.json")) as Record<
    string,
    { answer_scale_min: number; answer_scale_max: number }
  >;
  const answers = await Promise.all(MODELS.map((model) => readTsv(join(dir, "model_outputs", `${model}.tsv`))));
  const rows = MODELS.map((model, i) => {
    const { table, excluded } = read(answers[i]!, people, metadata);
    const ps = Object.keys(GROUPINGS).map((by) => {
      const { dispersionP } = evaluate(table, { by: [by], metrics: [], resamples: 0, permutations: 2000 });
      return `${number(spreadOf(table, by))}, p ${number(dispersionP!.value, 4)}`;
    });
    return [model, String(table.rows), String(excluded), number(entropyShare(table)), ...ps];
  });
  return markdown(
    ["model", "answers", "no option", "entropy / log K", ...Object.keys(GROUPINGS).map((by) => `spread by ${by}`)],
    rows,
  );
}

async function readTsv(path: string): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const { cells } of delimited(path, { delimiters: ["\t"] })) rows.push(cells);
  return rows;
}

function read(
  answers: readonly Row[],
  people: ReadonlyMap<string, Row>,
  metadata: Readonly<Record<string, { answer_scale_min: number; answer_scale_max: number }>>,
): { table: PredictionTable; excluded: number } {
  const builder = new PredictionTableBuilder();
  let excluded = 0;
  for (const { QUESTION_ID: question, PARTICIPANT_ID: person, SCORE } of answers) {
    const { answer_scale_min: least, answer_scale_max: most } = metadata[question!]!;
    const score = Number(SCORE);
    if (SCORE === "" || !Number.isInteger(score) || score < least || score > most) {
      excluded++;
      continue;
    }
    const levels = Array.from({ length: most - least + 1 }, (_, k) => least + k);
    builder.add({
      exampleId: `${person!}:${question!}`,
      questionId: question!,
      participantId: person!,
      profile: Object.fromEntries(
        Object.entries(GROUPINGS).map(([name, column]) => [name, people.get(person!)![column]!]),
      ),
      options: levels.map(String),
      ordered: true,
      answer: score - least,
      target: null,
      probabilities: levels.map((level) => (level === score ? 1 : 0)),
      weight: 1,
    });
  }
  return { table: builder.build(), excluded };
}

/** Root of the mean over questions of the dispersion between groups, sampling noise subtracted (see `prepareDispersion`). */
function spreadOf(table: PredictionTable, by: string): number {
  const { statistics, compute } = prepareDispersion(inputOf(table, [by], undefined, "participant"));
  return Math.sqrt(Math.max(0, compute(totals(statistics), ONCE).true) / table.questions.length);
}

/** Mean over questions of the entropy of the pooled answers over that of uniform answers. */
function entropyShare(table: PredictionTable): number {
  const counts = table.questions.map(({ options }) => options.map(() => 0));
  for (let i = 0; i < table.rows; i++) {
    const { probabilities } = table.row(i);
    counts[table.question[i]!]![probabilities.indexOf(1)]! += 1;
  }
  const shares = counts.map((of) => entropy(normalised(of)) / Math.log(of.length));
  return shares.reduce((a, b) => a + b, 0) / shares.length;
}
