import { checkLength } from "../../core/decoder/index.ts";
import {
  choiceMessages,
  optionLabel,
  type Choice,
  type TemplateSettings,
  type Tokenizer,
} from "../../core/text/index.ts";
import { type ScoringItem } from "../../core/inference/index.ts";
import { CumaError } from "../../core/util/index.ts";
import type { BaseModel } from "./base.ts";

/** How choices are put to a base. */
export interface PromptSettings {
  /** Whether the prompt tells who reads. */
  readonly persona: boolean;
  /** What the chat template is given. */
  readonly template: TemplateSettings;
}

/** Choices as the token ids that one base reads, and its answers. */
export class Prompts {
  private readonly base: Pick<BaseModel, "config" | "tokenizer" | "template">;
  private readonly settings: PromptSettings;
  /** Number of tokens that the tokenizer puts after every text. */
  private readonly endTokens: number;

  constructor(base: Pick<BaseModel, "config" | "tokenizer" | "template">, settings: PromptSettings) {
    this.base = base;
    this.settings = settings;
    this.endTokens = base.template.file === null ? countEndTokens(base.tokenizer) : 0;
  }

  /**
   * A choice and its answers, the options' letters. Prompt and letter are tokenised as one text, as what a model reads
   * is: a letter may be another token after a line break than after a word, or one token with the prompt's last
   * characters. The tokens that all these texts begin with are the prompt, the rest of each is an answer.
   * @param what Names the choice in messages.
   * @throws CumaError where the base does not take so many tokens, or the vocabulary cannot tell the answers apart.
   */
  item(choice: Choice, what: string): ScoringItem {
    const item = this.split(this.encode(choice));
    checkLength(this.base.config, length(item), what);
    return item;
  }

  /** Tokens of a choice and the longest answer to it. */
  length(choice: Choice): number {
    return length(this.split(this.encode(choice)));
  }

  /** The prompt with each of the letters after it. */
  private encode(choice: Choice): (readonly number[])[] {
    const { tokenizer, template } = this.base;
    const text = template.prompt(choiceMessages(choice, this.settings.persona), this.settings.template);
    const plain = template.file === null;
    const encode = (from: number, option: number): readonly number[] => {
      const whole = `${text.slice(from)}${plain ? " " : ""}${optionLabel(option)}`;
      const ids = tokenizer.encode(whole, { addSpecialTokens: plain });
      // What the tokenizer puts after a text, such as an end token, is no part of the answer.
      return ids.slice(0, ids.length - this.endTokens);
    };
    // What follows a special token is tokenised by itself: the text before the last one is the same for all letters.
    const cut = Math.max(0, ...Object.values(tokenizer.specialTokens).map((token) => text.lastIndexOf(token)));
    const whole = encode(0, 0);
    const tail = encode(cut, 0);
    const head = whole.slice(0, whole.length - tail.length);
    const isCut = [...head, ...tail].join() === whole.join();
    return choice.options.map((_, i) => (isCut ? [...head, ...encode(cut, i)] : encode(0, i)));
  }

  private split(texts: readonly (readonly number[])[]): ScoringItem {
    const first = texts[0]!;
    const differs = first.findIndex((id, at) => texts.some((text) => text[at] !== id));
    const shared = differs < 0 ? first.length : differs;
    const continuations = texts.map((text) => text.slice(shared));
    const { file } = this.base.tokenizer;
    for (const [i, answer] of continuations.entries()) {
      const same = continuations.findIndex((other) => other.join() === answer.join());
      if (answer.length > 0 && same === i) continue;
      const other = same < i ? `"${optionLabel(same)}"` : "nothing";
      throw new CumaError(
        `${file}: cannot tell the answer "${optionLabel(i)}" from ${other}: the vocabulary lacks the letter`,
      );
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

function length({ prompt, continuations }: ScoringItem): number {
  return prompt.length + Math.max(...continuations.map((answer) => answer.length));
}
