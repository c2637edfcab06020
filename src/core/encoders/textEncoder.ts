/** Turns texts into vectors. The vector of a text depends on that text alone, never on what is encoded beside it. */
export interface TextEncoder {
  /** For messages: a folder, a file, or "base". */
  readonly name: string;
  /** Length of every vector. */
  readonly width: number;
  /** SHA-256 (hex) over everything that decides the vectors. */
  readonly hash: string;
  /** One vector per text, in order. @throws CumaError for a text that has no vector. */
  encode(texts: readonly string[]): Promise<Float32Array[]>;
  dispose(): Promise<void>;
}
