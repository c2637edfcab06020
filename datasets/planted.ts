import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { checkJson, fileError, readJson, takeFolder, writeFileAtomic } from "../src/io/index.ts";
import type { Profile } from "../src/models/index.ts";
import { CumaError, Rng, unknownName } from "../src/util/index.ts";

const COUNTRIES = ["Arvenland", "Belmora", "Cassidia", "Dorvania", "Estrellia", "Fenmark", "Galdora", "Hestria"];
const RELIGIONS = ["Lanternist", "Old Tide", "Stonekeeper", "Wayfarer"];
const MODES = 4;

/** Demographic columns in the order of the file, with the question and the answers drawn without regard to the group. */
const DEMOGRAPHICS: Readonly<Record<string, { readonly question: string; readonly filler: readonly string[] }>> = {
  D_INTERVIEW: { question: "What is the unique ID for this interview?", filler: [] },
  B_COUNTRY: { question: "In what country was the interview conducted?", filler: [] },
  Q260: { question: "What is your sex?", filler: ["Male", "Female"] },
  X003R: {
    question: "Which age interval do you belong to?",
    filler: ["16-24 years", "25-34 years", "35-44 years", "45-54 years", "55-64 years", "65 and over"],
  },
  Q273: { question: "What is your marital status?", filler: ["Married", "Divorced", "Widowed", "Single"] },
  Q275: { question: "What is your highest level of education?", filler: ["Primary", "Secondary", "University"] },
  Q279: { question: "What is your employment status?", filler: ["Full time", "Part time", "Retired", "Student"] },
  Q289: { question: "What is your religion?", filler: [] },
  Q290: { question: "What is your ethnic group?", filler: [] },
};

/** Kinds of question: how each of the eight topics is asked about, and the scales of 3, 4 and 5 levels. */
const KINDS = [
  {
    category: "Social Values",
    ask: (topic: string) => `How important is ${topic} in your life?`,
    topics:
      "tending a garden|singing with others|a large family|learning new crafts|keeping old customs|a quiet home|regular travel|helping strangers",
    scales: [
      "Not important|Fairly important|Very important",
      "Not at all important|Not very important|Rather important|Very important",
      "Not at all important|Slightly important|Moderately important|Very important|Extremely important",
    ],
  },
  {
    category: "Norms",
    ask: (topic: string) => `How far do you agree that ${topic}?`,
    topics:
      "elders should have the last word|children should choose their own work|land should be held in common|a guest must never be turned away|debts should pass to the heirs|everybody should speak two languages|rules may bend for a friend|markets should close on feast days",
    scales: [
      "Disagree|Neither agree nor disagree|Agree",
      "Strongly disagree|Disagree|Agree|Strongly agree",
      "Strongly disagree|Disagree|Neither agree nor disagree|Agree|Strongly agree",
    ],
  },
  {
    category: "Trust",
    ask: (topic: string) => `How much do you trust ${topic}?`,
    topics:
      "your neighbours|the village council|travelling merchants|the harbour guard|newspapers|school teachers|people you meet for the first time|the courts",
    scales: [
      "No trust|Some trust|Full trust",
      "No trust at all|Not very much trust|Quite a lot of trust|A great deal of trust",
      "No trust at all|Little trust|Some trust|Much trust|Complete trust",
    ],
  },
  {
    category: "Habits",
    ask: (topic: string) => `How often do you ${topic}?`,
    topics:
      "attend a public meeting|share a meal with relatives|lend tools to others|pray or meditate|repair things yourself|write letters|visit a shrine|give to charity",
    scales: ["Never|Sometimes|Often", "Never|Rarely|Sometimes|Often", "Never|Rarely|Sometimes|Often|Always"],
  },
] as const;
const MAX_QUESTIONS = KINDS.length * 8;

interface PlantedQuestion {
  readonly id: string;
  readonly category: string;
  readonly question: string;
  readonly options: readonly string[];
}

/** Share of a group's mixture that its country gives; its religion gives the rest. */
const COUNTRY_SHARE = 0.6;
/** Weight of the mode a country or religion stands for; the other modes share the rest equally. */
const PEAK = 0.91;
/** Every country and religion keeps at least one combination that training sees. */
const MAX_HELD_OUT = COUNTRIES.length * (RELIGIONS.length - 1);

/** What is written, and replaced. */
const OURS = /^(question_metadata\.json|codebook\.json|answer_adjustment\.json|truth\.json|train|valid|test)$/;

export interface PlantedOptions {
  /** Folder to write; made when absent. */
  readonly out: string;
  readonly seed: number;
  /** People over all splits (default 600, at least 10). */
  readonly participants?: number;
  /** Questions (default 24, at most 32). */
  readonly questions?: number;
  /** Combinations of country and religion that only the test split has (default 4 of 32, at most 24). */
  readonly heldOut?: number;
  /** Write over a folder that has files in it; files of other names stay. */
  readonly overwrite?: boolean;
}

const schema = z.object({
  format: z.literal("cuma-planted"),
  seed: z.number().int(),
  countries: z.record(z.string(), z.array(z.number())),
  religions: z.record(z.string(), z.array(z.number())),
  questions: z.record(z.string(), z.object({ options: z.array(z.string()), modes: z.array(z.array(z.number())) })),
  groups: z.array(
    z.object({
      country: z.string(),
      religion: z.string(),
      heldOut: z.boolean(),
      mixture: z.array(z.number()),
      distributions: z.record(z.string(), z.array(z.number())),
    }),
  ),
});
type Truth = z.infer<typeof schema>;

/** What the planted data was drawn from. */
export interface PlantedTruth {
  /**
   * True probabilities of the question's options (sum 1) in the group of the profile's country and religion.
   * @throws CumaError for an unknown question, and where the profile names no planted country and religion.
   */
  distribution(questionId: string, profile: Profile): number[];
  /** Whether the profile's combination occurs in the test split only. @throws CumaError as `distribution`. */
  isHeldOut(profile: Profile): boolean;
}

/**
 * Writes synthetic survey data in the layout of WorldValuesBench: `question_metadata.json`, `codebook.json`,
 * `answer_adjustment.json`, `{split}/{split}_{demographic,value}_qa.tsv` for train, valid and test (70, 15 and 15% of
 * the participants), and `truth.json` with what the answers were drawn from. Equal options give equal bytes.
 *
 * Model, with L = 4 latent modes m and K = 3..5 ordered options k of a question q:
 * ```
 * P(k | q, m)      ~ exp(-(k - mu_qm)^2 / (2 * 0.5^2))     mu_q a permutation of 0, (K-1)/3, 2(K-1)/3, K-1 that questions of one category share, each moved by at most 0.15
 * P(m | c), P(m | r)  0.91 on the one mode of the country c (of the religion r), 0.03 on each of the others; two countries share a mode
 * P(k | q, c, r)   = sum_m (0.6 P(m | c) + 0.4 P(m | r)) P(k | q, m)
 * ```
 * A participant's answers are independent given the group (c, r). Groups are dealt out evenly within a split, held-out ones first; age,
 * gender, education, marital status and employment are uniform and tell nothing; ethnicity is blank.
 * @returns the numbers of participants.
 * @throws CumaError where an option is out of range, the folder has files and `overwrite` is not given, or a file
 * cannot be written.
 */
export function writePlanted(options: PlantedOptions): Record<"train" | "valid" | "test", number> {
  const { out, seed, participants = 600, questions = 24, heldOut = 4, overwrite = false } = options;
  checkCount("participants", participants, 10, 1_000_000);
  checkCount("questions", questions, 1, MAX_QUESTIONS);
  checkCount("heldOut", heldOut, 0, MAX_HELD_OUT);
  const unlock = takeFolder(out, overwrite ? "overwrite" : "new", OURS);
  try {
    return writeFiles({ out, seed, participants, questions, heldOut });
  } finally {
    unlock();
  }
}

function writeFiles(options: Required<Omit<PlantedOptions, "overwrite">>): Record<"train" | "valid" | "test", number> {
  const { out, seed, participants, questions, heldOut } = options;
  const asked = plantedQuestions(questions);
  const truth = drawTruth(asked, seed, heldOut);
  const order = new Rng(seed, "planted", "splits").shuffle(Array.from({ length: participants }, (_, i) => i));
  const trainEnd = Math.round(participants * 0.7);
  const validEnd = Math.round(participants * 0.85);
  const splits = {
    train: order.slice(0, trainEnd),
    valid: order.slice(trainEnd, validEnd),
    test: order.slice(validEnd),
  };

  writeJson(out, "question_metadata.json", metadata(asked));
  writeJson(out, "codebook.json", codebook(asked));
  writeJson(out, "answer_adjustment.json", adjustments(asked));
  for (const [split, people] of Object.entries(splits)) {
    const groups = truth.groups.filter((group) => split === "test" || !group.heldOut);
    const rng = new Rng(seed, "planted", split);
    rng.shuffle(groups).sort((a, b) => Number(b.heldOut) - Number(a.heldOut));
    const demographic = [Object.keys(DEMOGRAPHICS)];
    const value = [["D_INTERVIEW", ...asked.map((q) => q.id)]];
    people.forEach((person, i) => {
      const { country, religion, distributions } = groups[i % groups.length]!;
      const id = `${901 + COUNTRIES.indexOf(country)}07${String(person + 1).padStart(4, "0")}`;
      const known: Record<string, string> = { D_INTERVIEW: id, B_COUNTRY: country, Q289: religion, Q290: "" };
      demographic.push(
        Object.entries(DEMOGRAPHICS).map(([column, { filler }]) => known[column] ?? filler[rng.below(filler.length)]!),
      );
      value.push([id, ...asked.map((q) => String(1 + rng.choice(distributions[q.id]!)))]);
    });
    write(join(out, split), `${split}_demographic_qa.tsv`, table(demographic));
    write(join(out, split), `${split}_value_qa.tsv`, table(value));
  }
  writeJson(out, "truth.json", truth);
  return { train: splits.train.length, valid: splits.valid.length, test: splits.test.length };
}

/**
 * Reads `truth.json` of a folder that `writePlanted` wrote.
 * @throws CumaError naming the file, and the field where it has another form.
 */
export function plantedTruth(dir: string): PlantedTruth {
  const path = join(dir, "truth.json");
  const { groups, questions } = checkJson(path, readJson(path), schema);
  const byName = new Map(groups.map((group) => [`${group.country}\t${group.religion}`, group]));
  const find = (profile: Profile) => {
    const group = byName.get(`${profile["country"] ?? ""}\t${profile["religion"] ?? ""}`);
    if (group) return group;
    const found = `country "${profile["country"] ?? ""}" and religion "${profile["religion"] ?? ""}"`;
    throw new CumaError(`${path}: expected a profile with a planted country and religion; found ${found}`);
  };
  return {
    distribution(questionId, profile) {
      const probabilities = find(profile).distributions[questionId];
      if (!probabilities)
        throw new CumaError(`${path}: ${unknownName("question", questionId, Object.keys(questions))}`);
      return [...probabilities];
    },
    isHeldOut: (profile) => find(profile).heldOut,
  };
}

function drawTruth(asked: readonly PlantedQuestion[], seed: number, heldOut: number): Truth {
  const rng = new Rng(seed, "planted", "truth");
  const countries = peakedMixtures(COUNTRIES, rng);
  const religions = peakedMixtures(RELIGIONS, rng);
  const questions: Truth["questions"] = {};
  const places = new Map<string, number[]>(
    KINDS.map(({ category }) => [category, rng.shuffle(Array.from({ length: MODES }, (_, m) => m))]),
  );
  for (const { id, category, options } of asked) {
    const modes = places.get(category)!.map((place) => {
      const location = (place * (options.length - 1)) / (MODES - 1) + 0.3 * (rng.uniform() - 0.5);
      return normalised(options.map((_, k) => Math.exp(-((k - location) ** 2) / (2 * 0.5 ** 2))));
    });
    questions[id] = { options: [...options], modes };
  }
  const hidden = heldOutPairs(heldOut, rng);
  const groups = COUNTRIES.flatMap((country) =>
    RELIGIONS.map((religion) => {
      const ofReligion = religions[religion]!;
      const mixture = countries[country]!.map((p, m) => COUNTRY_SHARE * p + (1 - COUNTRY_SHARE) * ofReligion[m]!);
      const distributions: Record<string, number[]> = {};
      for (const [id, { options, modes }] of Object.entries(questions)) {
        distributions[id] = normalised(
          options.map((_, k) => mixture.reduce((sum, weight, m) => sum + weight * modes[m]![k]!, 0)),
        );
      }
      return { country, religion, heldOut: hidden.has(`${country}\t${religion}`), mixture, distributions };
    }),
  );
  return { format: "cuma-planted", seed, countries, religions, questions, groups };
}

/** A mixture over the modes for each name; every mode is the peak of equally many names. */
function peakedMixtures(names: readonly string[], rng: Rng): Record<string, number[]> {
  const peaks = rng.shuffle(names.map((_, i) => i % MODES));
  const rest = (1 - PEAK) / (MODES - 1);
  return Object.fromEntries(
    names.map((name, i) => [name, Array.from({ length: MODES }, (_, m) => (m === peaks[i] ? PEAK : rest))]),
  );
}

/** Walks the grid of countries and religions diagonally, so that held-out groups spread over both. */
function heldOutPairs(n: number, rng: Rng): Set<string> {
  const countries = rng.shuffle([...COUNTRIES]);
  const religions = rng.shuffle([...RELIGIONS]);
  return new Set(
    Array.from({ length: n }, (_, i) => {
      const lap = Math.floor(i / countries.length);
      return `${countries[i % countries.length]!}\t${religions[(i + lap) % religions.length]!}`;
    }),
  );
}

function normalised(weights: readonly number[]): number[] {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

function plantedQuestions(n: number): PlantedQuestion[] {
  const levels = [1, 1, 0, 1, 1, 2];
  return Array.from({ length: n }, (_, i) => {
    const { category, ask, topics, scales } = KINDS[i % KINDS.length]!;
    const question = ask(topics.split("|")[Math.floor(i / KINDS.length)]!);
    return { id: `Q${i + 1}`, category, question, options: scales[levels[i % levels.length]!]!.split("|") };
  });
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
  const value = asked.map(({ id, question, category, options }) => [
    id,
    {
      question,
      category,
      use_case: "value",
      answer_scale_min: 1,
      answer_scale_max: options.length,
      answer_data_type: "ordinal",
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

function codebook(asked: readonly PlantedQuestion[]): Record<string, unknown> {
  const adjusted = adjustments(asked);
  const missing = { "-1": "Don't know", "-2": "No answer" };
  const value = asked.map(({ id, question, options }) => {
    const choices: Record<string, string> = { ...missing };
    options.forEach((text, k) => (choices[adjusted[id]?.[k + 1] || k + 1] = text));
    for (const [code, level] of Object.entries(adjusted[id] ?? {}))
      choices[code] ??= level ? "Less than that" : "Other";
    return [id, { question, question_instruction: "", type: "multiple_choice", choices }] as const;
  });
  const demographic = Object.entries(DEMOGRAPHICS).map(([id, { question, filler }]) => {
    const texts = id === "B_COUNTRY" ? COUNTRIES : id === "Q289" ? RELIGIONS : filler;
    const codes = texts.map((text, i) => [id === "B_COUNTRY" ? 901 + i : i + 1, text] as const);
    const choices = texts.length === 0 ? {} : { ...Object.fromEntries(codes), ...missing };
    return [id, { question, question_instruction: "", type: "multiple_choice", choices }] as const;
  });
  return Object.fromEntries([...demographic, ...value]);
}

function checkCount(name: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new CumaError(`planted data: ${name}: expected a whole number from ${min} to ${max}; found ${value}`);
}

function writeJson(folder: string, name: string, content: unknown): void {
  write(folder, name, `${JSON.stringify(content, null, 1)}\n`);
}

function table(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `${row.join("\t")}\n`).join("");
}

function write(folder: string, name: string, text: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw fileError(folder, "cannot be made", error);
  }
  writeFileAtomic(join(folder, name), new TextEncoder().encode(text));
}
