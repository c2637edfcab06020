import { appendFileSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import {
  checkJson,
  encodeJson,
  encodeSafetensors,
  fileError,
  listFolder,
  readJson,
  readText,
  SafetensorsFile,
  syncFolder,
  takeFolder,
  writeFileAtomic,
  type OutMode,
} from "../io/index.ts";
import { CumaError } from "../util/index.ts";
import type { AdamW } from "./adamw.ts";
import type { LogEntry, TrainingWarning } from "./loop.ts";
import type { ParameterStore } from "./parameters.ts";

const LOG = "log.jsonl";
const RUN = "run.json";
const OPTIMIZER = "optimizer.safetensors";
const STATE = "state.json";
const CHECKPOINT = /^checkpoint-(\d+)$/;
const OURS = /^(adapter_config\.json|adapter_model\.safetensors|log\.jsonl|run\.json|checkpoint-\d+(\.tmp)?)$/;

/** What must not change between the start of a run and its continuation. */
export type RunIdentity = Readonly<Record<string, unknown>>;

const identitySchema = z.record(z.string(), z.unknown());
const stateSchema = z.object({ step: z.int(), identity: identitySchema });
type State = z.infer<typeof stateSchema>;
const runSchema = z.looseObject({ config: identitySchema });

/**
 * The output folder of a training run: one run at a time, checkpoints that are complete or not there at all, a log.
 *
 * While a run goes on it holds `log.jsonl` and `checkpoint-<step>/`, itself an adapter folder; in the end the adapter
 * and, last of all, `run.json`.
 */
export class RunFolder {
  readonly path: string;
  private checkpoint: number | null = null;
  private unlock: () => void = () => undefined;

  private constructor(path: string) {
    this.path = path;
  }

  /**
   * Takes a folder for a run.
   * @throws CumaError where another run has it, where it is not empty, or where it cannot be written.
   */
  static open(path: string, mode: OutMode): RunFolder {
    const folder = new RunFolder(path);
    folder.unlock = takeFolder(path, mode, OURS);
    return folder;
  }

  /** The configuration of the run in it, where that has come to its end; otherwise null. */
  get finishedConfig(): RunIdentity | null {
    const path = join(this.path, RUN);
    return existsSync(path) ? checkJson(path, readJson(path), runSchema).config : null;
  }

  /** Path of the last checkpoint; null if there is none. */
  get lastCheckpoint(): string | null {
    return this.checkpoint === null ? null : join(this.path, `checkpoint-${this.checkpoint}`);
  }

  /**
   * Restores the last checkpoint, and takes what came after it out of the log. Gives the adapter folder to read, or
   * null if there is no checkpoint yet.
   * @throws CumaError listing what differs between the run in the folder and the one asked for.
   */
  resume(identity: RunIdentity): { readonly step: number; readonly adapterFolder: string } | null {
    const steps = listFolder(this.path).flatMap((name) => CHECKPOINT.exec(name)?.[1] ?? []);
    const step = Math.max(...steps.map(Number));
    if (steps.length === 0) {
      rmSync(join(this.path, LOG), { force: true });
      return null;
    }
    this.checkpoint = step;
    const folder = this.lastCheckpoint!;
    const path = join(folder, STATE);
    this.checkSame(checkJson(path, readJson(path), stateSchema).identity, identity);
    this.truncateLog(step);
    return { step, adapterFolder: folder };
  }

  /** @throws CumaError listing what differs between the run in the folder and the one asked for. */
  checkSame(before: RunIdentity, now: RunIdentity): void {
    const differences = difference(before, now);
    if (differences.length === 0) return;
    throw new CumaError(
      `${this.path}: the run in this folder is another one; to resume it these must be equal:\n${differences.join("\n")}`,
    );
  }

  /** Reads the optimiser's moments of the last checkpoint. */
  readOptimizer({ m, v }: AdamW): void {
    const file = new SafetensorsFile(join(this.lastCheckpoint!, OPTIMIZER));
    m.set(file.read("m").data);
    v.set(file.read("v").data);
    file.close();
  }

  /** Writes a checkpoint under a temporary name and renames it when it is complete; the one before is removed. */
  save(
    step: number,
    identity: RunIdentity,
    adapterFiles: Readonly<Record<string, Uint8Array>>,
    parameters: ParameterStore,
    { m, v }: AdamW,
  ): void {
    const final = join(this.path, `checkpoint-${step}`);
    const temporary = `${final}.tmp`;
    const shape = [parameters.flat.length];
    const moments = encodeSafetensors({
      m: { shape, data: Float32Array.from(m) },
      v: { shape, data: Float32Array.from(v) },
    });
    const state = encodeJson({ step, identity } satisfies State);
    try {
      rmSync(temporary, { recursive: true, force: true });
      mkdirSync(temporary);
      for (const [name, bytes] of Object.entries({ ...adapterFiles, [OPTIMIZER]: moments, [STATE]: state })) {
        writeFileAtomic(join(temporary, name), bytes);
      }
      rmSync(final, { recursive: true, force: true });
      renameSync(temporary, final);
      syncFolder(this.path);
    } catch (error) {
      rmSync(temporary, { recursive: true, force: true });
      throw error instanceof CumaError ? error : fileError(final, "cannot be written", error);
    }
    const before = this.checkpoint;
    this.checkpoint = step;
    if (before !== null && before !== step)
      rmSync(join(this.path, `checkpoint-${before}`), { recursive: true, force: true });
  }

  /** Writes the result: the adapter, then `run.json`, whose presence says that the run is complete. */
  finish(adapterFiles: Readonly<Record<string, Uint8Array>>, run: Readonly<Record<string, unknown>>): void {
    for (const [name, bytes] of Object.entries(adapterFiles)) writeFileAtomic(join(this.path, name), bytes);
    writeFileAtomic(join(this.path, RUN), encodeJson(run));
    for (const name of listFolder(this.path)) {
      if (CHECKPOINT.test(name.replace(/\.tmp$/, ""))) rmSync(join(this.path, name), { recursive: true, force: true });
    }
  }

  log(entry: LogEntry | TrainingWarning): void {
    try {
      appendFileSync(join(this.path, LOG), `${JSON.stringify(entry)}\n`);
    } catch (error) {
      throw fileError(join(this.path, LOG), "cannot be written", error);
    }
  }

  /** Gives the folder back. */
  close(): void {
    this.unlock();
  }

  private truncateLog(step: number): void {
    const path = join(this.path, LOG);
    if (!existsSync(path)) return;
    const kept = readText(path)
      .split("\n")
      .filter((line) => {
        try {
          return (JSON.parse(line) as { step: number }).step <= step;
        } catch {
          return false;
        }
      });
    writeFileAtomic(path, new TextEncoder().encode(kept.map((line) => `${line}\n`).join("")));
  }
}

/** Lines such as "train.lr: 0.001 in the folder, 0.002 now". */
function difference(before: unknown, now: unknown, path = ""): string[] {
  const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
  if (isObject(before) && isObject(now)) {
    return [...new Set([...Object.keys(before), ...Object.keys(now)])].flatMap((key) =>
      difference(before[key], now[key], path === "" ? key : `${path}.${key}`),
    );
  }
  const show = (value: unknown): string => (value === undefined ? "nothing" : JSON.stringify(value));
  return show(before) === show(now) ? [] : [`  ${path}: ${show(before)} in the folder, ${show(now)} now`];
}
