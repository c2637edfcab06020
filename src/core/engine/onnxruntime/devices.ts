/** Devices of ONNX Runtime, by the name that the user asks for: the execution provider, and how to get it. */
export const onnxRuntimeDevices = {
  cpu: { provider: "cpu", install: "it is part of onnxruntime-node" },
  cuda: {
    provider: "cuda",
    install:
      "on Linux x64 with CUDA 12 and cuDNN 9, run `node node_modules/onnxruntime-node/script/install.js --onnxruntime-node-install=cuda12`",
  },
  webgpu: {
    provider: "webgpu",
    install: "it is part of onnxruntime-node on Windows, macOS and Linux, and needs a Vulkan, Metal or D3D12 driver",
  },
  directml: { provider: "dml", install: "it is part of onnxruntime-node on Windows only" },
  coreml: { provider: "coreml", install: "it is part of onnxruntime-node on macOS only" },
} as const;

export type OnnxRuntimeDevice = keyof typeof onnxRuntimeDevices;
