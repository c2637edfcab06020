import { Rng } from "../../src/core/util/index.ts";
import type { Group, PlantedQuestion, Truth } from "./model.ts";
import { splitSizes, SPLITS, type PlantedSpec, type Split } from "./spec.ts";
import { COUNTRIES, DEMOGRAPHICS, type Column } from "./words.ts";

export interface Person {
  /** The interview's number. */
  readonly id: string;
  readonly group: Group;
  readonly demographics: Readonly<Record<Column, string>>;
  /** Indices of the options, by question. */
  readonly answers: readonly number[];
}

/**
 * Draws people and their answers to the survey. Groups are dealt out evenly within a split, held-out ones first and in
 * the test split only; age, gender, education, marital status and employment are uniform; ethnicity is blank. Answers
 * are independent given the group.
 */
export function drawPeople(
  truth: Truth,
  asked: readonly PlantedQuestion[],
  spec: PlantedSpec,
): Record<Split, readonly Person[]> {
  const { seed, participants } = spec;
  const order = new Rng(seed, "planted", "splits").shuffle(Array.from({ length: participants }, (_, i) => i));
  const sizes = splitSizes(spec);
  let start = 0;
  const people: Record<Split, readonly Person[]> = { train: [], valid: [], test: [] };
  for (const split of SPLITS) {
    const groups = truth.groups.filter((group) => split === "test" || !group.heldOut);
    const rng = new Rng(seed, "planted", split);
    rng.shuffle(groups).sort((a, b) => Number(b.heldOut) - Number(a.heldOut));
    people[split] = order.slice(start, (start += sizes[split])).map((person, i): Person => {
      const group = groups[i % groups.length]!;
      const { country, religion, distributions } = group;
      const id = `${901 + COUNTRIES.indexOf(country)}07${String(person + 1).padStart(4, "0")}`;
      const known: Record<string, string> = { D_INTERVIEW: id, B_COUNTRY: country, Q289: religion, Q290: "" };
      const demographics = Object.fromEntries(
        Object.entries(DEMOGRAPHICS).map(([column, { filler }]) => [
          column,
          known[column] ?? filler[rng.below(filler.length)]!,
        ]),
      ) as Record<Column, string>;
      return { id, group, demographics, answers: asked.map((q) => rng.choice(distributions[q.id]!)) };
    });
  }
  return people;
}
