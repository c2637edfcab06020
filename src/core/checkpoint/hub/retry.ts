/** What is tried again, how often and after how long. */
import { setTimeout } from "node:timers/promises";

const ATTEMPTS = 5;
const FIRST_PAUSE_MS = 500;
/** The longest that a hub may make us wait. */
const MAX_PAUSE_MS = 60_000;

/** The hub's answer to a request is a refusal. */
export class HubError extends Error {
  readonly status: number;
  /** Milliseconds after which the hub wants to be asked again, where it says so. */
  readonly retryAfter: number | undefined;

  constructor(message: string, status: number, retryAfter?: number) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** A connection that ended before its answer did. */
export class CutOff extends Error {}

/** Faults of a connection that was there; where there is none at all, asking again helps nobody. */
const PASSING = new Set([
  ...["ECONNRESET", "EPIPE", "ETIMEDOUT", "EAI_AGAIN", "UND_ERR_SOCKET", "UND_ERR_CONNECT_TIMEOUT"],
  ...["UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT", "UND_ERR_RES_CONTENT_LENGTH_MISMATCH"],
]);

/**
 * Does a task again, after ever longer pauses, while it fails of what may pass.
 * @param advanced Whether the attempt that failed has brought the task nearer to its end: it does not count then.
 */
export async function retrying<T>(task: () => Promise<T>, advanced = (): Promise<boolean> => Promise.resolve(false)) {
  for (let failures = 0; ;) {
    try {
      return await task();
    } catch (error) {
      failures = (await advanced()) ? 1 : failures + 1;
      if (failures >= ATTEMPTS || !mayPass(error)) throw error;
      const asked = error instanceof HubError ? error.retryAfter : undefined;
      await setTimeout(Math.min(asked ?? FIRST_PAUSE_MS * 2 ** (failures - 1), MAX_PAUSE_MS));
    }
  }
}

function mayPass(error: unknown): boolean {
  if (error instanceof HubError) return error.status >= 500 || error.status === 429 || error.status === 408;
  if (error instanceof CutOff) return true;
  const code = (cause: unknown): unknown =>
    cause instanceof Error ? ("code" in cause ? cause.code : code(cause.cause)) : undefined;
  return PASSING.has(String(code(error)));
}
