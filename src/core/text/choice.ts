import { CumaError, show } from "../util/index.ts";
import type { ChatMessage, Prompt } from "./prompt.ts";
import { profileText, type Profile } from "./profile.ts";

/** A question with fixed options, put to a person. */
export interface Choice {
  readonly profile: Profile;
  readonly question: string;
  /** Texts of the options, in the order of the scale where there is one. */
  readonly options: readonly string[];
}

/** What the model answers with: "A", "B", ... */
export function optionLabel(index: number): string {
  return String.fromCharCode(65 + index);
}

export const MAX_OPTIONS = 26;

/**
 * A choice as a chat: the persona as the system message, then the question with lettered options, as the CuMA reference
 * code puts WorldValuesBench's. The model is to answer with a letter.
 * @param persona Whether the prompt tells who reads. Without it only the adapter's router can know.
 * @throws CumaError for fewer than 2 or more than 26 options.
 */
export function choiceMessages({ profile, question, options }: Choice, persona: boolean): ChatMessage[] {
  if (options.length < 2 || options.length > MAX_OPTIONS) {
    throw new CumaError(`expected 2 to ${MAX_OPTIONS} options, found ${options.length}: ${show(question)}`);
  }
  const list = options.map((option, i) => `${optionLabel(i)}. ${option.replace(/\.$/, "")}.`).join(" ");
  const text = profileText(profile);
  return [
    ...(persona && text !== "" ? [{ role: "system", content: text } as const] : []),
    { role: "user", content: `${question} ${list} You can only choose one option.` },
  ];
}

/** A choice as a prompt (see `choiceMessages`) whose answers are the letters of its options. */
export function choicePrompt(choice: Choice, persona: boolean): Prompt {
  return {
    what: `the question ${show(choice.question)}`,
    messages: choiceMessages(choice, persona),
    answers: choice.options.map((_, i) => optionLabel(i)),
  };
}
