import { existsSync } from "node:fs";
import { join } from "node:path";
import { trainingMeasures, type TrainingLog, type TrainingMeasure } from "../../../eval/report/index.ts";
import { readText } from "../../core/io/index.ts";
import { isWarning, parseLogLine } from "../../core/train/index.ts";
import { excerpt, messageOf } from "../../core/util/index.ts";
import { hashAdapter } from "../model/adapterFiles.ts";
import { MAX_JSON_BYTES } from "./jsonFile.ts";
import type { Results } from "./results.ts";

/** Points of a training curve: few enough that the noise of single batches does not hide its course. */
const CURVE_POINTS = 80;
const MOST_WARNINGS = 20;

/**
 * The training log of an evaluated adapter. Results may be anybody's and name any folder: a log is read only beside the
 * adapter that they have the hash of.
 * @returns The log, or why there is none to show.
 * @throws CumaError naming file and line of a log that is not one.
 */
export async function readTraining({ config, identity }: Results): Promise<TrainingLog | string | null> {
  const folder = config.model?.adapter;
  if (folder === undefined) return null;
  const expected = identity?.adapter ?? null;
  if (expected === null) {
    return `The results do not have the SHA-256 of the adapter in ${folder}: training curves are left out.`;
  }
  const path = join(folder, "log.jsonl");
  if (!existsSync(path)) return `There is no training log at ${path}: training curves are left out.`;
  let hash: string;
  try {
    hash = await hashAdapter(folder);
  } catch (error) {
    return `${messageOf(error)}: training curves are left out.`;
  }
  if (hash !== expected) {
    return `${folder} holds another adapter than the one evaluated (SHA-256 ${excerpt(hash, 12)}, expected ${excerpt(expected, 12)}): training curves are left out.`;
  }
  return trainingLog(folder, path);
}

function trainingLog(folder: string, path: string): TrainingLog {
  const points = new Map(trainingMeasures.map((measure) => [measure, [] as [number, number][]]));
  const warnings: { step: number; message: string }[] = [];
  let steps = 0;
  for (const [i, line] of readText(path, MAX_JSON_BYTES).split("\n").entries()) {
    if (line.trim() === "") continue;
    const entry = parseLogLine(`${path}: line ${i + 1}`, line);
    steps = Math.max(steps, entry.step);
    if (isWarning(entry)) {
      warnings.push({ step: entry.step, message: entry.message });
      continue;
    }
    for (const [measure, found] of points) {
      const value = entry[measure];
      if (typeof value === "number") found.push([entry.step, value]);
    }
  }
  const curves = Object.fromEntries([...points].map(([measure, found]) => [measure, thinned(found)]));
  return {
    folder,
    steps,
    curves: curves as Record<TrainingMeasure, [number, number][]>,
    warnings: warnings.slice(0, MOST_WARNINGS),
  };
}

/** Means over as many stretches of neighbours as a curve has points. */
function thinned(points: readonly (readonly [number, number])[]): [number, number][] {
  const size = Math.ceil(points.length / CURVE_POINTS);
  return Array.from({ length: size === 0 ? 0 : Math.ceil(points.length / size) }, (_, i) => {
    const some = points.slice(i * size, (i + 1) * size);
    const mean = (at: 0 | 1): number => some.reduce((sum, point) => sum + point[at], 0) / some.length;
    return [mean(0), mean(1)];
  });
}
