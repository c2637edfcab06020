import { randomInt } from "node:crypto";
import { Rng } from "../../src/core/util/index.ts";

/** Draws that differ from run to run, such as when to kill a process. Says its seed; `CUMA_TEST_SEED` gives it again. */
export function freshRng(what: string): Rng {
  const seed = Number(process.env["CUMA_TEST_SEED"] ?? randomInt(2 ** 32));
  console.log(`${what}: CUMA_TEST_SEED=${seed}`);
  return new Rng(seed, what);
}
