import { checkLength } from "../../core/decoder/index.ts";
import type { LikelihoodItem } from "../../core/inference/index.ts";
import type { Prompt, TemplateSettings, Tokenizer } from "../../core/text/index.ts";
import { CumaError, excerpt } from "../../core/util/index.ts";
import type { BaseModel } from "./baseModel.ts";

/** How examples are put to a base. */
export interface PromptSettings {
  /** Whether the prompt says who the person is. */
  readonly persona: boolean;
  /** What the chat template is given. */
  readonly template: TemplateSettings;
}

/** Examples of one data set as the token ids that one base reads, and its answers. */
export class Prompts<E> {
  private readonly base: Pick<BaseModel, "config" | "tokenizer" | "template">;
  private readonly settings: PromptSettings;
  private readonly prompt: (example: E, persona: boolean) => Prompt;
  /** Number of tokens that the tokenizer puts after every text. */
  private readonly endTokens: number;

  /** @param prompt As the data set puts its examples. */
  constructor(
    base: Pick<BaseModel, "config" | "tokenizer" | "template">,
    settings: PromptSettings,
    prompt: (example: E, persona: boolean) => Prompt,
  ) {
    this.base = base;
    this.settings = settings;
    this.prompt = prompt;
    this.endTokens = base.template.file === null ? countEndTokens(base.tokenizer) : 0;
  }

  /** What is put to the base, before it is tokens. */
  of(example: E): Prompt {
    return this.prompt(example, this.settings.persona);
  }

  /**
   * An example and its answers. Prompt and answer are tokenised as one text, as what a model reads is: a letter may be
   * another token after a line break than after a word, or one token with the prompt's last characters. The tokens that
   * all these texts begin with are the prompt, the rest of each is an answer.
   * @param what Names the example in messages; as its prompt is named unless given.
   * @throws CumaError where the base does not take so many tokens, or the vocabulary cannot tell the answers apart.
   */
  item(example: E, what?: string): LikelihoodItem {
    const prompt = this.of(example);
    const item = this.split(prompt);
    checkLength(this.base.config, lengthOf(item), what ?? prompt.what);
    return item;
  }

  /** Tokens of a prompt and the longest answer to it. */
  length(prompt: Prompt): number {
    return lengthOf(this.split(prompt));
  }

  /** The prompt with each of the answers after it. */
  private encode({ messages, answers }: Prompt): (readonly number[])[] {
    const { tokenizer, template } = this.base;
    const text = template.prompt(messages, this.settings.template);
    const plain = template.file === null;
    const encode = (from: number, answer: string): readonly number[] => {
      const whole = `${text.slice(from)}${plain ? " " : ""}${answer}`;
      const ids = tokenizer.encode(whole, { addSpecialTokens: plain });
      // What the tokenizer puts after a text, such as an end token, is no part of the answer.
      return ids.slice(0, ids.length - this.endTokens);
    };
    // What follows a special token is tokenised by itself: the text before the last one is the same for all answers.
    const cut = Math.max(0, ...Object.values(tokenizer.specialTokens).map((token) => text.lastIndexOf(token)));
    const whole = encode(0, answers[0]!);
    const tail = encode(cut, answers[0]!);
    const head = whole.slice(0, whole.length - tail.length);
    const isCut = [...head, ...tail].join() === whole.join();
    return answers.map((answer) => (isCut ? [...head, ...encode(cut, answer)] : encode(0, answer)));
  }

  private split(prompt: Prompt): LikelihoodItem {
    const texts = this.encode(prompt);
    const first = texts[0]!;
    const differs = first.findIndex((id, at) => texts.some((text) => text[at] !== id));
    const shared = differs < 0 ? first.length : differs;
    const continuations = texts.map((text) => text.slice(shared));
    const { file } = this.base.tokenizer;
    const named = (i: number): string => `"${excerpt(prompt.answers[i]!)}"`;
    for (const [i, answer] of continuations.entries()) {
      const same = continuations.findIndex((other) => other.join() === answer.join());
      if (answer.length > 0 && same === i) continue;
      const other = same < i ? named(same) : "nothing";
      throw new CumaError(`${file}: cannot tell the answer ${named(i)} from ${other}: the vocabulary lacks the letter`);
    }
    if (shared === 0) {
      throw new CumaError(
        `${file}: expected a token of the prompt before the answers; all of it is one token with them`,
      );
    }
    return { prompt: first.slice(0, shared), continuations };
  }
}

function countEndTokens(tokenizer: Tokenizer): number {
  const last = tokenizer.encode("A", { addSpecialTokens: false }).at(-1);
  const framed = tokenizer.encode("A", { addSpecialTokens: true });
  return last === undefined ? 0 : framed.length - 1 - framed.lastIndexOf(last);
}

function lengthOf({ prompt, continuations }: LikelihoodItem): number {
  return prompt.length + Math.max(...continuations.map((answer) => answer.length));
}
