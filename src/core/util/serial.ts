import { CumaError } from "./errors.ts";

/**
 * Runs tasks one after the other, in the order in which they are given. One that fails does not disturb those behind
 * it.
 */
export class Serial {
  private readonly name: string;
  private last: Promise<unknown> = Promise.resolve();
  private closing: Promise<void> | undefined;

  /** @param name For messages: "the model". */
  constructor(name: string) {
    this.name = name;
  }

  /** @throws CumaError once it is closed. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.closing) throw new CumaError(`${this.name} has been disposed of and answers no more; load it again`);
    const result = this.last.then(task);
    this.last = result.catch(() => undefined);
    return result;
  }

  /** Takes no more tasks, and runs `end` after those that it has; once, however often it is called. */
  close(end: () => Promise<void>): Promise<void> {
    return (this.closing ??= this.last.then(end));
  }
}
