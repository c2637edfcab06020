import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
  encodeSafetensors,
  listFolder,
  SafetensorsFile,
  syncFolder,
  takeFolder,
  writeFileAtomic,
  type OutMode,
} from "../io/index.ts";
import { CumaError, messageOf } from "../util/index.ts";
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

interface State {
  readonly step: number;
  readonly identity: RunIdentity;
}

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

  /** Whether the run in it has come to its end. */
  get finished(): boolean {
    return existsSync(join(this.path, RUN));
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
    const state = JSON.parse(readFileSync(join(folder, STATE), "utf8")) as State;
    const differences = difference(state.identity, identity);
    if (differences.length > 0) {
      throw new CumaError(
        `${this.path}: the run in this folder is another one; to resume it these must be equal:\n${differences.join("\n")}`,
      );
    }
    this.truncateLog(step);
    return { step, adapterFolder: folder };
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
    rmSync(temporary, { recursive: true, force: true });
    mkdirSync(temporary);
    const shape = [parameters.flat.length];
    const moments = encodeSafetensors({
      m: { shape, data: Float32Array.from(m) },
      v: { shape, data: Float32Array.from(v) },
    });
    for (const [name, bytes] of Object.entries(adapterFiles)) writeFileAtomic(join(temporary, name), bytes);
    writeFileAtomic(join(temporary, OPTIMIZER), moments);
    writeFileAtomic(join(temporary, STATE), json({ step, identity } satisfies State));
    rmSync(final, { recursive: true, force: true });
    renameSync(temporary, final);
    syncFolder(this.path);
    const before = this.checkpoint;
    this.checkpoint = step;
    if (before !== null && before !== step)
      rmSync(join(this.path, `checkpoint-${before}`), { recursive: true, force: true });
  }

  /** Writes the result: the adapter, then `run.json`, whose presence says that the run is complete. */
  finish(adapterFiles: Readonly<Record<string, Uint8Array>>, run: Readonly<Record<string, unknown>>): void {
    for (const [name, bytes] of Object.entries(adapterFiles)) writeFileAtomic(join(this.path, name), bytes);
    writeFileAtomic(join(this.path, RUN), json(run));
    for (const name of listFolder(this.path)) {
      if (CHECKPOINT.test(name.replace(/\.tmp$/, ""))) rmSync(join(this.path, name), { recursive: true, force: true });
    }
  }

  log(entry: LogEntry | TrainingWarning): void {
    try {
      appendFileSync(join(this.path, LOG), `${JSON.stringify(entry)}\n`);
    } catch (error) {
      throw new CumaError(`${join(this.path, LOG)}: cannot be written: ${messageOf(error)}`, { cause: error });
    }
  }

  /** Gives the folder back. */
  close(): void {
    this.unlock();
  }

  private truncateLog(step: number): void {
    const path = join(this.path, LOG);
    if (!existsSync(path)) return;
    const kept = readFileSync(path, "utf8")
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

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
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
