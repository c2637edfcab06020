import { appendFileSync, copyFileSync, existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import {
  encodeJson,
  fileError,
  listFolder,
  makeFolder,
  OutFolder,
  PARTIAL,
  readJson,
  removeFolder,
  syncFile,
  syncFolder,
  writeFileAtomic,
  type OutMode,
} from "../io/index.ts";
import { encodeSafetensors, SafetensorsFile } from "../checkpoint/index.ts";
import { checkJson, CumaError, differences } from "../util/index.ts";
import type { AdamW } from "./adamw.ts";
import { formatLogLine, type LogLine, type TrainingWarning } from "./logLine.ts";
import { runFileSchema, type RunFile } from "./runFile.ts";
import { restoreLog } from "./runLog.ts";

const LOG = "log.jsonl";
const RUN = "run.json";
const OPTIMIZER = "optimizer.safetensors";
const STATE = "state.json";
const ADAPTER = ["adapter_config.json", "adapter_model.safetensors"];
const CHECKPOINT = /^checkpoint-(\d+)$/;

/** What must not change between the start of a run and its continuation. */
export type RunIdentity = Readonly<Record<string, unknown>>;

const identitySchema = z.record(z.string(), z.unknown());
const stateSchema = z.object({ step: z.int(), identity: identitySchema });
type State = z.infer<typeof stateSchema>;

/** How far the run in a folder has come. */
export interface StoredRun {
  readonly step: number;
  readonly identity: RunIdentity;
  readonly complete: boolean;
}

/** A checkpoint to go on from. */
export interface Restored {
  readonly step: number;
  readonly adapterFolder: string;
  /** What the log has lost. */
  readonly lost: readonly TrainingWarning[];
}

/**
 * The output folder of a training run: one run at a time, checkpoints that are complete or not there at all, a log.
 *
 * While a run goes on it holds `log.jsonl` and `checkpoint-<step>/`, itself an adapter folder; in the end the adapter, the
 * optimiser's state and, last of all, `run.json`. A run that replaces another, or goes on with one that was complete, is
 * made aside (see `OutFolder`).
 */
export class RunFolder {
  /** The run that is gone on with; null where one begins. */
  readonly stored: StoredRun | null;
  private readonly out: OutFolder;
  private checkpoint: number | null = null;

  private constructor(out: OutFolder, mode: OutMode) {
    this.out = out;
    this.stored = mode === "resume" ? this.readStored() : null;
  }

  /**
   * Takes a folder for a run.
   * @throws CumaError where another run has it, where it is not empty, cannot be written, or holds a damaged checkpoint.
   */
  static open(path: string, mode: OutMode): RunFolder {
    const out = OutFolder.take(path, mode, { ours, last: RUN });
    try {
      return new RunFolder(out, mode);
    } catch (error) {
      out.release();
      throw error;
    }
  }

  /** Path of the last checkpoint; null if there is none. */
  get lastCheckpoint(): string | null {
    return this.checkpoint === null ? null : join(this.out.dir, `checkpoint-${this.checkpoint}`);
  }

  /**
   * Begins a run, or goes on with the one that is there, when everything that it needs has been checked.
   * @param steps How many steps the run has in all.
   * @returns Whether anything is left to do.
   * @throws CumaError listing what differs between the run in the folder and the one asked for.
   */
  begin(identity: RunIdentity, steps: number): boolean {
    const { stored } = this;
    if (!stored) {
      this.out.begin();
      rmSync(join(this.out.dir, LOG), { force: true });
      return true;
    }
    this.checkSame(stored, identity, steps);
    if (!stored.complete) return true;
    if (stored.step === steps) {
      this.complete();
      return false;
    }
    this.extend(stored, steps);
    return true;
  }

  /** Takes what came after the last checkpoint out of the log; null if there is no checkpoint. */
  restore(): Restored | null {
    const adapterFolder = this.lastCheckpoint;
    if (adapterFolder === null) return null;
    const step = this.checkpoint!;
    return { step, adapterFolder, lost: restoreLog(join(this.out.dir, LOG), step) };
  }

  /** Reads the optimiser's moments of the last checkpoint. */
  readOptimizer({ m, v }: AdamW): void {
    const file = SafetensorsFile.open(join(this.lastCheckpoint!, OPTIMIZER));
    m.set(file.read("m").data);
    v.set(file.read("v").data);
    file.close();
  }

  /** Writes a checkpoint, and then removes the one before. */
  save(
    step: number,
    identity: RunIdentity,
    adapterFiles: Readonly<Record<string, Uint8Array>>,
    optimizer: AdamW,
  ): void {
    this.out.check();
    syncFile(join(this.out.dir, LOG));
    const state = encodeJson({ step, identity } satisfies State);
    this.writeCheckpoint(step, (folder) => {
      for (const [name, bytes] of Object.entries({
        ...adapterFiles,
        [OPTIMIZER]: encodeOptimizer(optimizer),
        [STATE]: state,
      })) {
        writeFileAtomic(join(folder, name), bytes);
      }
    });
  }

  /**
   * Writes the result: the adapter, the optimiser's state, then `run.json`, whose presence says that the run is complete.
   * @param optimizer Null where a run cannot go on from what files hold.
   */
  finish(adapterFiles: Readonly<Record<string, Uint8Array>>, optimizer: AdamW | null, run: RunFile): void {
    this.out.check();
    const files = { ...adapterFiles, ...(optimizer && { [OPTIMIZER]: encodeOptimizer(optimizer) }) };
    for (const [name, bytes] of Object.entries(files)) writeFileAtomic(join(this.out.dir, name), bytes);
    writeFileAtomic(join(this.out.dir, RUN), encodeJson(run));
    this.complete();
  }

  log(line: LogLine): void {
    this.out.check();
    const path = join(this.out.dir, LOG);
    try {
      appendFileSync(path, `${formatLogLine(line)}\n`);
    } catch (error) {
      throw fileError(path, "cannot be written", error);
    }
  }

  /** Gives the folder back. */
  close(): void {
    this.out.release();
  }

  private readStored(): StoredRun | null {
    const { dir } = this.out;
    const path = join(dir, RUN);
    if (existsSync(path)) {
      const { steps, identity } = checkJson(path, readJson(path), runFileSchema);
      return { step: steps, identity, complete: true };
    }
    const steps = listFolder(dir).flatMap((name) => CHECKPOINT.exec(name)?.[1] ?? []);
    if (steps.length === 0) return null;
    this.checkpoint = Math.max(...steps.map(Number));
    const state = join(this.lastCheckpoint!, STATE);
    return { ...checkJson(state, readJson(state), stateSchema), complete: false };
  }

  private checkSame(stored: StoredRun, identity: RunIdentity, steps: number): void {
    const different = differences(stored.identity, JSON.parse(JSON.stringify(identity)));
    if (different.length > 0) {
      const lines = different.map((line) => `  ${line}`).join("\n");
      throw new CumaError(
        `${this.out.dir}: the run in this folder is another one; to resume it these must be equal:\n${lines}`,
      );
    }
    if (steps < stored.step) {
      throw new CumaError(
        `${this.out.dir}: the run has done ${stored.step} steps; expected train.maxSteps and train.epochs of as many or more, found ${steps}`,
      );
    }
  }

  /** Makes a checkpoint of a result, aside, to go on from. */
  private extend({ step, identity }: StoredRun, steps: number): void {
    const result = this.out.dir;
    const optimizer = join(result, OPTIMIZER);
    if (!existsSync(optimizer)) {
      throw new CumaError(
        `${optimizer}: is not there; without it, a run that is complete after ${step} steps cannot go on to ${steps}. Train into another folder`,
      );
    }
    this.out.startAside();
    try {
      if (existsSync(join(result, LOG))) copyFileSync(join(result, LOG), join(this.out.dir, LOG));
    } catch (error) {
      throw fileError(join(this.out.dir, LOG), "cannot be written", error);
    }
    this.writeCheckpoint(step, (folder) => {
      for (const name of [...ADAPTER, OPTIMIZER]) copyFileSync(join(result, name), join(folder, name));
      writeFileAtomic(join(folder, STATE), encodeJson({ step, identity } satisfies State));
    });
  }

  /** Makes a checkpoint under another name and renames it when it is complete. */
  private writeCheckpoint(step: number, write: (folder: string) => void): void {
    const { dir } = this.out;
    const final = join(dir, `checkpoint-${step}`);
    const partial = join(dir, PARTIAL);
    try {
      rmSync(partial, { recursive: true, force: true });
      makeFolder(partial);
      write(partial);
      removeFolder(final);
      renameSync(partial, final);
      syncFolder(dir);
    } catch (error) {
      rmSync(partial, { recursive: true, force: true });
      throw fileError(final, "cannot be written", error instanceof CumaError ? (error.cause ?? error) : error);
    }
    this.checkpoint = step;
    this.removeCheckpoints((name) => name !== `checkpoint-${step}`);
  }

  /** Removes what only a run that goes on needs, and lets the result appear. */
  private complete(): void {
    this.removeCheckpoints(() => true);
    this.out.complete();
  }

  private removeCheckpoints(which: (name: string) => boolean): void {
    const { dir } = this.out;
    for (const name of ours(dir)) if (CHECKPOINT.test(name) && which(name)) removeFolder(join(dir, name));
  }
}

/** What a run leaves in a folder. Other software calls its checkpoints the same, so these are known by what is in them. */
function ours(folder: string): string[] {
  return listFolder(folder).filter(
    (name) => [...ADAPTER, LOG, OPTIMIZER, RUN].includes(name) || isCheckpoint(folder, name),
  );
}

function isCheckpoint(folder: string, name: string): boolean {
  const state = join(folder, name, STATE);
  if (!CHECKPOINT.test(name) || !existsSync(state)) return false;
  try {
    return `checkpoint-${stateSchema.parse(readJson(state)).step}` === name;
  } catch {
    return false;
  }
}

function encodeOptimizer({ m, v }: AdamW): Uint8Array {
  const shape = [m.length];
  return encodeSafetensors({ m: { shape, data: Float32Array.from(m) }, v: { shape, data: Float32Array.from(v) } });
}
