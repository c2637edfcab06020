/** An error caused by what the user gave: its message is the whole explanation, and the CLI prints no stack for it. */
export class CumaError extends Error {
  override readonly name: string = "CumaError";
}

/** The command line or the run file is wrong (exit code 2). */
export class UsageError extends CumaError {
  override readonly name = "UsageError";
}

/** A tensor has another shape or type than the graph declares. */
export class ShapeError extends CumaError {
  override readonly name = "ShapeError";
}

/** The run was interrupted and its state saved (exit code 130). */
export class Interrupted extends CumaError {
  override readonly name = "Interrupted";
}

/** Message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** True for a Node.js system error with this code, such as `ENOENT`. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
