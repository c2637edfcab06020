import { existsSync } from "node:fs";
import { readBytes, writeFileAtomic } from "../io/index.ts";
import type { TrainingWarning } from "./logLine.ts";

const MAX_LOG_BYTES = 4_000_000_000;

/**
 * Takes out of a log what came after a step, and lines that are damaged, as a power cut leaves them. The log says itself
 * which lines it has lost.
 * @returns What it has not said before.
 */
export function restoreLog(path: string, step: number): TrainingWarning[] {
  const text = existsSync(path) ? new TextDecoder().decode(readBytes(path, MAX_LOG_BYTES)) : "";
  const kept: string[] = [];
  const seen = new Set<number>();
  for (const line of text.split("\n")) {
    const entry = parseEntry(line);
    if (!entry || entry.step > step) continue;
    kept.push(line);
    if (entry.isStep) seen.add(entry.step);
  }
  const said = new Set(kept);
  const lost = gaps(seen, step).filter((warning) => !said.has(JSON.stringify(warning)));
  const lines = [...kept, ...lost.map((warning) => JSON.stringify(warning))];
  writeFileAtomic(path, new TextEncoder().encode(lines.map((line) => `${line}\n`).join("")));
  return lost;
}

/** The step that a line belongs to; null where it is damaged. */
function parseEntry(line: string): { readonly step: number; readonly isStep: boolean } | null {
  try {
    const entry = JSON.parse(line) as { readonly step?: unknown } | null;
    return typeof entry?.step === "number" ? { step: entry.step, isStep: "loss" in entry } : null;
  } catch {
    return null;
  }
}

function gaps(seen: ReadonlySet<number>, last: number): TrainingWarning[] {
  const found: TrainingWarning[] = [];
  for (let step = 1; step <= last; step++) {
    if (seen.has(step)) continue;
    const first = step;
    while (step < last && !seen.has(step + 1)) step++;
    const which = first === step ? `step ${first}` : `steps ${first} to ${step}`;
    found.push({ step: first, message: `what log.jsonl said of ${which} is lost` });
  }
  return found;
}
