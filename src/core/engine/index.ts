export { onnxRuntimeEngine, type Device, type OnnxRuntimeOptions } from "./onnxruntime.ts";
export { referenceEngine } from "./reference.ts";
export type { Engine, Executable } from "./types.ts";
