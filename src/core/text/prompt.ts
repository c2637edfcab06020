export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** What a model reads, and the texts that it may answer with. */
export interface Prompt {
  /** Names it in messages: 'the question "How are you?"'. */
  readonly what: string;
  readonly messages: readonly ChatMessage[];
  readonly answers: readonly string[];
}
