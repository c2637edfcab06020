/**
 * The files of a base that say how text becomes what it reads: tokenizer.json and those beside it. A folder is one, and so is an
 * object that holds them where there are no folders.
 */
export interface TextFiles {
  has(name: string): boolean;
  /** How messages name one. */
  path(name: string): string;
  /** @throws CumaError where it is not there, cannot be read, or is longer than `maxBytes`. */
  text(name: string, maxBytes: number): string;
}
