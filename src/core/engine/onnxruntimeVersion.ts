import { createRequire } from "node:module";

/** Version of the ONNX Runtime package that is installed; asking for it does not load it. */
export function onnxRuntimeVersion(): string {
  const manifest = createRequire(import.meta.url)("onnxruntime-node/package.json") as { version: string };
  return manifest.version;
}
