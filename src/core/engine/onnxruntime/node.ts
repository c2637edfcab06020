import { availableParallelism } from "node:os";
import * as ort from "onnxruntime-node";
import type { Feeds, HostTensor, Precision, Program } from "../../graph/index.ts";
import { toOnnx, type OnnxModel } from "../../onnx/index.ts";
import { CumaError, MAX_THREADS, messageOf } from "../../util/index.ts";
import { checkFeeds } from "../feeds.ts";
import { merged, type Engine, type Executable } from "../engine.ts";
import { packageVersion } from "../packageVersion.ts";
import { onnxRuntimeDevices, type OnnxRuntimeDevice } from "./devices.ts";

export interface OnnxRuntimeOptions {
  readonly device?: OnnxRuntimeDevice;
  /** CPU threads inside one operation; by default all cores. */
  readonly threads?: number;
  readonly precision?: Precision;
  /** Whether ONNX Runtime's own operators, which do the work of several, are used; it has them in float32 alone. */
  readonly fused?: boolean;
}

/**
 * The default engine: programs are lowered to ONNX and run by ONNX Runtime.
 * @throws CumaError for a number of threads that cannot be, or a device that this build does not have.
 */
export function onnxRuntimeEngine({
  device = "cpu",
  threads = availableParallelism(),
  precision = "float32",
  fused = precision === "float32",
}: OnnxRuntimeOptions = {}): Engine {
  if (!(Number.isInteger(threads) && threads >= 1 && threads <= MAX_THREADS)) {
    throw new CumaError(`threads: expected a whole number from 1 to ${MAX_THREADS}, found ${threads}`);
  }
  const { provider, install } = onnxRuntimeDevices[device];
  if (device !== "cpu") requireProvider(device);
  const options: ort.InferenceSession.SessionOptions = {
    executionProviders: device === "cpu" ? ["cpu"] : [provider, "cpu"],
    intraOpNumThreads: threads,
    // With the pattern planner on, every session keeps a block for its largest run: 0.8 GB more at the same speed.
    enableMemPattern: false,
    // Sessions that run in turn share the process's heap; with an arena each keeps its own peak: 60-80 MB more in all.
    enableCpuMemArena: false,
    // Programs arrive as they should run: the optimizer finds nothing that makes them faster, and takes a second.
    graphOptimizationLevel: "disabled",
    logSeverityLevel: 3,
    // Without this, sessions that run in turn spin against each other.
    extra: { session: { force_spinning_stop: "1" } },
  };
  return {
    name: "onnxruntime",
    setup: `onnxruntime-${packageVersion("onnxruntime-node")}-${device}-${threads}`,
    precision,
    async compile(program) {
      const model = toOnnx(program, { precision, fused });
      try {
        return new OnnxRuntimeExecutable(
          program,
          model,
          await ort.InferenceSession.create(model.bytes, options),
          precision,
        );
      } catch (error) {
        if (device === "cpu") throw error;
        throw new CumaError(`device "${device}" could not be used (${messageOf(error)}); ${install}`, { cause: error });
      }
    },
  };
}

/** @throws CumaError where this build of ONNX Runtime does not have the provider, saying how to get it. */
function requireProvider(device: OnnxRuntimeDevice): void {
  const { provider, install } = onnxRuntimeDevices[device];
  const available = ort.listSupportedBackends().map((backend) => backend.name);
  if (!available.includes(provider)) {
    throw new CumaError(
      `device "${device}" is not in this installation of onnxruntime-node (it has ${available.join(", ")}); ${install}`,
    );
  }
}

class OnnxRuntimeExecutable implements Executable {
  private readonly program: Program;
  private readonly model: OnnxModel;
  private readonly session: ort.InferenceSession;
  private readonly precision: Precision;

  constructor(program: Program, model: OnnxModel, session: ort.InferenceSession, precision: Precision) {
    this.program = program;
    this.model = model;
    this.session = session;
    this.precision = precision;
  }

  bind(resident: Feeds): Executable {
    return merged(this, resident);
  }

  async run(feeds: Feeds, into: Feeds = {}): Promise<Feeds> {
    const checked = checkFeeds(this.program, feeds);
    const inputs: Record<string, ort.Tensor> = {};
    for (const [name, feed] of checked.feeds) inputs[name] = this.toOrt(feed);
    const fetches: Record<string, ort.Tensor | null> = {};
    for (const [name, onnxName] of this.model.outputNames) {
      fetches[onnxName] = into[name] ? this.toOrt(into[name]) : null;
    }
    const outputs = await this.session.run(inputs, fetches);
    const results: Record<string, HostTensor> = {};
    for (const [name, onnxName] of this.model.outputNames) {
      const output = outputs[onnxName]!;
      results[name] = into[name] ?? { shape: output.dims, data: output.data as HostTensor["data"] };
    }
    return results;
  }

  async dispose(): Promise<void> {
    await this.session.release();
  }

  private toOrt({ shape, data }: HostTensor): ort.Tensor {
    if (data instanceof Int32Array) return new ort.Tensor("int32", data, shape);
    if (this.precision === "float32")
      return new ort.Tensor("float32", data instanceof Float32Array ? data : Float32Array.from(data), shape);
    return new ort.Tensor("float64", data instanceof Float64Array ? data : Float64Array.from(data), shape);
  }
}
