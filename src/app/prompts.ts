import { checkLength, choiceMessages, optionLabel, type Choice } from "../models/index.ts";
import { CumaError } from "../util/index.ts";
import type { BaseModel } from "./base.ts";

/** Choices as the token ids that one base reads, and its answers. */
export class Prompts {
  private readonly base: Pick<BaseModel, "config" | "tokenizer" | "template">;
  private readonly persona: boolean;
  private readonly answerIds: (readonly number[] | undefined)[] = [];

  /** @param persona Whether the prompt tells who reads. */
  constructor(base: Pick<BaseModel, "config" | "tokenizer" | "template">, persona: boolean) {
    this.base = base;
    this.persona = persona;
  }

  text(choice: Choice): string {
    return this.base.template.prompt(choiceMessages(choice, this.persona));
  }

  /** @throws CumaError where the base does not take so many tokens. @param what Names the choice in the message. */
  prompt(choice: Choice, what: string): readonly number[] {
    const ids = this.encode(choice);
    checkLength(this.base.config, ids.length + this.answer(0).length, what);
    return ids;
  }

  /** Tokens of a prompt and an answer to it. */
  length(choice: Choice): number {
    return this.encode(choice).length + this.answer(0).length;
  }

  /** Tokens of an option's letter. */
  answer(option: number): readonly number[] {
    return (this.answerIds[option] ??= this.encodeAnswer(option));
  }

  answers(options: number): (readonly number[])[] {
    return Array.from({ length: options }, (_, i) => this.answer(i));
  }

  private encode(choice: Choice): readonly number[] {
    const { tokenizer, template } = this.base;
    return tokenizer.encode(this.text(choice), { addSpecialTokens: template.file === null });
  }

  private encodeAnswer(option: number): readonly number[] {
    const { tokenizer, template } = this.base;
    const label = optionLabel(option);
    const ids = tokenizer.encode(template.file === null ? ` ${label}` : label, { addSpecialTokens: false });
    const same = this.answerIds.findIndex((other) => other?.join() === ids.join());
    if (ids.length === 0 || same >= 0) {
      throw new CumaError(
        `${tokenizer.file}: cannot tell the answer "${label}" from ${same >= 0 ? `"${optionLabel(same)}"` : "nothing"}: the vocabulary lacks the letter`,
      );
    }
    return ids;
  }
}
