const plugins = "^(adapters|router|datasets|eval)/";

/** `from` may import only the folders in `allowed` (and itself); everything else under the source tree is refused. */
function layer(name, from, allowed) {
  return {
    name,
    severity: "error",
    from: { path: from },
    to: { path: "^(src|adapters|router|datasets|eval)/", pathNot: [from, ...allowed] },
  };
}

module.exports = {
  forbidden: [
    // An operation's gradient is made of other operations, whose gradients may need it again.
    {
      name: "no-cycles",
      severity: "error",
      from: { pathNot: "^src/ops/" },
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    layer("util", "^src/util/", []),
    layer("graph", "^src/graph/", ["^src/util/"]),
    layer("ops", "^src/ops/", ["^src/(util|graph)/"]),
    layer("autodiff", "^src/autodiff/", ["^src/(util|graph|ops)/"]),
    layer("onnx", "^src/onnx/", ["^src/(util|graph|ops)/"]),
    layer("engine", "^src/engine/", ["^src/(util|graph|ops|onnx)/"]),
    layer("io", "^src/io/", ["^src/util/"]),
    layer("models", "^src/models/", ["^src/(util|graph|ops|autodiff|onnx|engine|io)/"]),
    layer("train", "^src/train/", ["^src/(util|graph|ops|autodiff|onnx|engine|io|models)/"]),
    layer("config", "^src/config/", ["^src/(util|io)/"]),
    {
      name: "plug-ins-are-wired-in-app-cli-and-index",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(app/|cli/|index\\.ts$)" },
      to: { path: plugins },
    },
    layer("router", "^router/", ["^src/"]),
    layer("adapters", "^adapters/", ["^src/", "^router/"]),
    layer("datasets", "^datasets/", ["^src/"]),
    layer("eval", "^eval/", ["^src/", "^datasets/"]),
    {
      name: "nobody-inside-imports-the-public-index-or-the-cli",
      severity: "error",
      from: { path: "^(src|adapters|router|datasets|eval)/", pathNot: "^src/cli/" },
      to: { path: "^src/(index\\.ts$|cli/)" },
    },
    {
      name: "no-other-program-is-started",
      severity: "error",
      from: { path: "^(src|adapters|router|datasets|eval)/" },
      to: { path: "^(node:)?(child_process|cluster)$" },
    },
    {
      name: "onnxruntime-stays-in-its-engine",
      severity: "error",
      from: { pathNot: "^src/engine/onnxruntime\\.ts$" },
      to: { path: "node_modules/onnxruntime" },
    },
    {
      name: "tensorflow-stays-in-its-engine",
      severity: "error",
      from: { pathNot: "^src/engine/tfjs/" },
      to: { path: "node_modules/@tensorflow" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "types", "node"] },
  },
};
