import { UsageError } from "../util/errors.ts";
import { show } from "../util/show.ts";
import { onnxRuntimeDevices, type OnnxRuntimeDevice } from "./onnxruntime/devices.ts";
import type { Engine } from "./engine.ts";

interface EngineRow<Device extends string> {
  /** Where it can compute, and how to get that. */
  readonly devices: Readonly<Record<Device, { readonly install: string }>>;
  /** The npm package behind it, whose version is recorded with results. */
  readonly package: string | null;
  /** Whether it takes a number of threads, on which its last digits depend. */
  readonly threaded: boolean;
  /** Loads the engine's file, and what that needs. @param threads null: all cores. */
  make(device: Device, threads: number | null): Promise<Engine>;
}

const onnxruntime: EngineRow<OnnxRuntimeDevice> = {
  devices: onnxRuntimeDevices,
  package: "onnxruntime-node",
  threaded: true,
  make: async (device, threads) => {
    const { onnxRuntimeEngine } = await import("./onnxruntime/node.ts");
    return onnxRuntimeEngine({ device, ...(threads !== null && { threads }) });
  },
};

const reference: EngineRow<"cpu"> = {
  devices: { cpu: { install: "it is part of this package" } },
  package: null,
  threaded: false,
  make: async () => (await import("./reference.ts")).referenceEngine,
};

/** Every engine there is; the first one is the default. Naming one loads nothing. */
export const engines = { onnxruntime, reference };

export type EngineName = keyof typeof engines;
export type Device = { [Name in EngineName]: keyof (typeof engines)[Name]["devices"] }[EngineName];

export const engineNames = Object.keys(engines) as [EngineName, ...EngineName[]];
/** Of all engines; the first one is the default, which every engine has. */
export const devices = [...new Set(engineNames.flatMap((name) => Object.keys(engines[name].devices)))] as [
  Device,
  ...Device[],
];

export interface EngineOptions {
  readonly engine: EngineName;
  readonly device: Device;
  /** CPU threads; null: all cores. */
  readonly threads: number | null;
}

/** @throws UsageError for a device that the engine does not have; CumaError where it is not installed, saying how to get it. */
export async function makeEngine({ engine, device, threads }: EngineOptions): Promise<Engine> {
  const row: Pick<EngineRow<Device>, "make"> = engines[engine];
  const own = Object.keys(engines[engine].devices);
  if (!own.includes(device)) {
    throw new UsageError(`the engine "${engine}" has no device ${show(device)}; expected one of ${own.join(", ")}`);
  }
  return row.make(device, threads);
}
