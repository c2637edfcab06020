import type { ChoiceExample, Source } from "../../../datasets/index.ts";
import { profileText, type Profile } from "../../core/text/index.ts";
import { answerTree, type SftExample, type Examples } from "../../core/train/index.ts";
import { CumaError, excerpt } from "../../core/util/index.ts";
import type { Prompts } from "../model/prompts.ts";
import { selectAttributes } from "../model/profileVectors.ts";

/** Sources of so many examples are tokenised once, longer ones once an epoch. */
const KEPT = 4096;

/** What stands behind a training example. */
export interface Cell {
  readonly id: string;
  /** An example of the question and the profile. */
  readonly example: ChoiceExample;
  readonly profile: Profile;
  /** Index into `profiles`. */
  readonly profileIndex: number;
  /** Weights of the options. */
  readonly target: readonly number[];
  /** Number of people. */
  readonly weight: number;
}

/**
 * A data set as training examples. With hard labels every answer is an example; with soft labels all answers of one
 * profile to one question are one example, whose label is their distribution.
 */
export class ChoiceSft implements Examples<SftExample> {
  readonly length: number;
  /** The distinct profiles, by index. */
  readonly profiles: readonly Profile[];
  private readonly source: Source<ChoiceExample>;
  private readonly prompts: Prompts<ChoiceExample>;
  private readonly soft: boolean;
  private readonly profileIndex: Int32Array;
  /** With soft labels: the first example of each cell, and the weights of its options. */
  private readonly cells: readonly { readonly first: number; readonly counts: number[] }[] = [];
  private readonly made: SftExample[] | null;

  constructor(
    source: Source<ChoiceExample>,
    prompts: Prompts<ChoiceExample>,
    { attributes, labels }: { readonly attributes: readonly string[]; readonly labels: "hard" | "soft" },
  ) {
    this.source = source;
    this.prompts = prompts;
    this.soft = labels === "soft";
    const indices = new Map<string, number>();
    // Sources give one object for all answers of a person.
    const known = new Map<Profile, { readonly text: string; readonly index: number }>();
    const profiles: Profile[] = [];
    const cells = new Map<string, { first: number; counts: number[] }>();
    this.profileIndex = new Int32Array(source.length);
    for (let i = 0; i < source.length; i++) {
      const example = source.at(i);
      let person = known.get(example.profile);
      if (!person) {
        const profile = selectAttributes(example.profile, attributes);
        const text = profileText(profile);
        const index = indices.get(text) ?? profiles.length;
        if (index === profiles.length) profiles.push(profile);
        indices.set(text, index);
        known.set(example.profile, (person = { text, index }));
      }
      const { text, index } = person;
      this.profileIndex[i] = index;
      if (!this.soft) continue;
      const key = JSON.stringify([example.questionId, text]);
      let cell = cells.get(key);
      if (!cell) cells.set(key, (cell = { first: i, counts: example.options.map(() => 0) }));
      for (const [k, share] of targetOf(example).entries()) cell.counts[k]! += share * example.weight;
    }
    this.profiles = profiles;
    if (this.soft) this.cells = [...cells.values()];
    this.length = this.soft ? this.cells.length : source.length;
    this.made = this.length <= KEPT ? [] : null;
  }

  cell(index: number): Cell {
    if (!this.soft) {
      const example = this.source.at(index);
      if (example.answer === null) {
        throw new CumaError(
          `example "${excerpt(example.id)}" has a distribution instead of an answer; use train.labels: soft`,
        );
      }
      const target = example.options.map((_, k) => (k === example.answer ? 1 : 0));
      return { ...this.describe(index, example), id: example.id, target, weight: example.weight };
    }
    const { first, counts } = this.cells[index]!;
    const weight = counts.reduce((a, b) => a + b, 0);
    const described = this.describe(first, this.source.at(first));
    const id = `${described.example.questionId}: ${profileText(described.profile)}`;
    return { ...described, id, target: counts.map((count) => count / weight), weight };
  }

  private describe(index: number, example: ChoiceExample): Pick<Cell, "example" | "profile" | "profileIndex"> {
    const profileIndex = this.profileIndex[index]!;
    return { example, profile: this.profiles[profileIndex]!, profileIndex };
  }

  at(index: number): SftExample {
    if (!this.made) return this.make(this.cell(index));
    return (this.made[index] ??= this.make(this.cell(index)));
  }

  private make({ id, example, profile, profileIndex, target, weight }: Cell): SftExample {
    const { prompt, continuations } = this.prompts.item({ ...example, profile }, `example "${excerpt(id)}"`);
    const answers = continuations.map((tokens, i) => ({ tokens, share: target[i]! }));
    return { id, ...answerTree(prompt, answers), weight, profile: profileIndex };
  }
}

function targetOf({ answer, target, options }: ChoiceExample): readonly number[] {
  return target ?? options.map((_, k) => (k === answer ? 1 : 0));
}
