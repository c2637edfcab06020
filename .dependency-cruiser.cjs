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

/** The rooms of the machine, each with those that it may import. */
const core = {
  util: [],
  graph: ["util"],
  io: ["util"],
  stats: ["util"],
  tables: ["util", "io"],
  ops: ["util", "graph"],
  autodiff: ["util", "graph", "ops"],
  onnx: ["util", "graph", "ops"],
  engine: ["util", "graph", "ops", "onnx"],
  config: ["util", "io", "engine"],
  text: ["util", "io"],
  decoder: ["util", "graph", "ops", "engine"],
  checkpoint: ["util", "graph", "io", "decoder"],
  encoders: ["util", "graph", "ops", "engine", "io", "text", "decoder", "checkpoint"],
  inference: ["util", "graph", "ops", "engine", "decoder"],
  train: ["util", "graph", "ops", "autodiff", "engine", "io", "stats", "decoder", "checkpoint", "encoders"],
};

/** The files of pure rooms that need Node.js: they read folders, or load its engine. */
const needNode = [
  "^src/core/text/folder\\.ts$",
  "^adapters/(format|index)\\.ts$",
  "^src/core/engine/(packageVersion|onnxruntime/node)\\.ts$",
];

module.exports = {
  forbidden: [
    {
      name: "no-circles",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    // Not of types either: of two files that need each other, neither can be read alone.
    { name: "no-circles-in-core", severity: "error", from: { path: "^src/core/" }, to: { circular: true } },
    ...Object.entries(core).map(([room, allowed]) =>
      layer(
        `core-${room}`,
        `^src/core/${room}/`,
        allowed.map((name) => `^src/core/${name}/`),
      ),
    ),
    layer("core-has-no-other-rooms", `^src/core/(?!(${Object.keys(core).join("|")})/)`, []),
    {
      name: "plug-ins-are-wired-in-app-cli-and-index",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(app/|cli/|index\\.ts$)" },
      to: { path: plugins },
    },
    layer("router", "^router/", ["^src/core/"]),
    layer("adapters", "^adapters/", ["^src/core/", "^router/"]),
    layer("datasets", "^datasets/", ["^src/core/"]),
    layer("eval", "^eval/", ["^src/core/", "^datasets/", "^router/"]),
    {
      name: "nobody-inside-imports-the-public-index-or-the-cli",
      severity: "error",
      from: { path: "^(src|adapters|router|datasets|eval)/", pathNot: "^src/cli/" },
      to: { path: "^src/(index\\.ts$|cli/)" },
    },
    {
      name: "pure-rooms-import-no-node",
      comment: "What a browser can run; test/browser bundles these files, and finds what others bring in.",
      severity: "error",
      from: {
        path: "^(src/core/(util|graph|ops|autodiff|onnx|stats|decoder|inference|engine|text|train/objectives)|router|adapters)/",
        pathNot: needNode,
      },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "no-other-program-is-started",
      severity: "error",
      from: { path: "^(src|adapters|router|datasets|eval)/" },
      to: { path: "^(node:)?(child_process|cluster)$" },
    },
    {
      name: "engines-are-loaded-when-they-are-made",
      severity: "error",
      from: { path: "^(src|adapters|router|datasets|eval)/" },
      to: { path: "^src/core/engine/(onnxruntime/node|reference)\\.ts$", dependencyTypesNot: ["dynamic-import"] },
    },
    {
      name: "onnxruntime-stays-in-its-engine",
      severity: "error",
      from: { pathNot: "^src/core/engine/onnxruntime/" },
      to: { path: "node_modules/onnxruntime" },
    },
    {
      name: "tensorflow-stays-in-its-engine",
      severity: "error",
      from: { pathNot: "^src/core/engine/tfjs/" },
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
