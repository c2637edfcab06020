export { toOnnx, type OnnxModel } from "./emit.ts";
