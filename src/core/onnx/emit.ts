import {
  factors,
  quotientParts,
  sumTerms,
  type Dim,
  type OnnxAttrs,
  type OnnxEmitter,
  type Precision,
  type Program,
  type Shape,
  type Value,
} from "../graph/index.ts";
import { elementType, encodeModel, type ElementType, type NodeProto, type TensorProto } from "./proto.ts";

/** ONNX opset 18 brought axes as an input to every reduction. */
const OPSETS = { "": 18, "com.microsoft": 1 };

/** A serialised model and the names under which it knows the program's outputs. */
export interface OnnxModel {
  readonly bytes: Uint8Array;
  readonly outputNames: ReadonlyMap<string, string>;
}

/** What a model is made for. */
export type Target = Pick<OnnxEmitter, "precision" | "fused">;

class Emitter implements OnnxEmitter {
  readonly precision: Precision;
  readonly fused: boolean;
  readonly floatType: ElementType;
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];
  private readonly inputs: ReadonlyMap<string, Value>;
  private readonly constants = new Map<string, string>();
  private readonly shared = new Map<string, string>();
  private nextName = 0;

  constructor(program: Program, { precision, fused }: Target) {
    this.precision = precision;
    this.fused = fused;
    this.floatType = elementType[precision];
    this.inputs = program.inputs;
  }

  node(type: string, inputs: readonly string[], attrs: OnnxAttrs = {}, domain = ""): string {
    const output = this.newName();
    this.nodes.push({ type, domain, inputs, outputs: [output], attrs });
    return output;
  }

  pair(type: string, inputs: readonly string[], attrs: OnnxAttrs = {}, domain = ""): readonly [string, string] {
    const outputs = [this.newName(), this.newName()] as const;
    this.nodes.push({ type, domain, inputs, outputs, attrs });
    return outputs;
  }

  float(value: number): string {
    const data = this.precision === "float32" ? Float32Array.of(value) : Float64Array.of(value);
    return this.constant(`f${value}`, { type: this.floatType, shape: [], data });
  }

  int(value: number): string {
    return this.constant(`i${value}`, { type: elementType.int32, shape: [], data: Int32Array.of(value) });
  }

  int64s(values: readonly number[]): string {
    return this.constant(`l${values.join(",")}`, {
      type: elementType.int64,
      shape: [values.length],
      data: BigInt64Array.from(values, BigInt),
    });
  }

  shape(shape: Shape): string {
    if (shape.every((dim) => typeof dim === "number")) return this.int64s(shape);
    return this.once(`shape ${shape.join(",")}`, () => {
      const parts = shape.map((dim) => this.dim(dim));
      const [only, ...others] = parts;
      return only !== undefined && others.length === 0 ? only : this.node("Concat", parts, { axis: { int: 0 } });
    });
  }

  /** The int64 tensor [1] that holds a dimension, read off the shape of an input. */
  private dim(dim: Dim): string {
    if (typeof dim === "number") return this.int64s([dim]);
    return this.once(`dim ${dim}`, () => {
      for (const [name, { shape }] of this.inputs) {
        const axis = shape.indexOf(dim);
        if (axis >= 0) return this.node("Shape", [name], { start: { int: axis }, end: { int: axis + 1 } });
      }
      const fold = (type: string, parts: readonly Dim[]): string =>
        parts.map((part) => this.dim(part)).reduce((a, b) => this.node(type, [a, b]));
      const product = factors(dim);
      if (product.length > 1) return fold("Mul", product);
      if (dim.startsWith("(")) return fold("Add", sumTerms(dim));
      const rounded = quotientParts(dim);
      if (rounded) {
        const raised = this.node("Add", [this.dim(rounded.dividend), this.int64s([rounded.divisor - 1])]);
        return this.node("Div", [raised, this.int64s([rounded.divisor])]);
      }
      throw new Error(`no input of the program has the dimension "${dim}"`);
    });
  }

  private newName(): string {
    return `t${this.nextName++}`;
  }

  private constant(key: string, tensor: Omit<TensorProto, "name">): string {
    let name = this.constants.get(key);
    if (name === undefined) {
      name = `c${this.constants.size}`;
      this.constants.set(key, name);
      this.initializers.push({ name, ...tensor });
    }
    return name;
  }

  private once(key: string, make: () => string): string {
    let name = this.shared.get(key);
    if (name === undefined) {
      name = make();
      this.shared.set(key, name);
    }
    return name;
  }
}

/** Lowers a program to an ONNX model. Inputs keep their names; outputs are found through `outputNames`. */
export function toOnnx(program: Program, target: Target): OnnxModel {
  const emitter = new Emitter(program, target);
  const names = new Map<Value, string>();
  for (const [name, value] of program.inputs) names.set(value, name);
  for (const node of program.nodes) {
    const inputs = node.inputs.map((input) => names.get(input)!);
    const outputs = node.op.onnx(inputs, node, emitter);
    for (const [i, output] of node.outputs.entries()) {
      if (!names.has(output)) names.set(output, outputs[i]!);
    }
  }

  const types = { float: emitter.floatType, int: elementType.int32 };
  const info = (name: string, value: Value) => ({ name, type: types[value.dtype], shape: value.shape });
  const outputs: { name: string; value: Value }[] = [];
  const outputNames = new Map<string, string>();
  const taken = new Set<string>([...program.inputs.keys(), ...emitter.initializers.map((t) => t.name)]);
  for (const [name, value] of program.outputs) {
    let onnxName = names.get(value)!;
    // An output of its own for what is an input, a constant, or an output already.
    if (taken.has(onnxName)) onnxName = emitter.node("Identity", [onnxName]);
    taken.add(onnxName);
    outputNames.set(name, onnxName);
    outputs.push({ name: onnxName, value });
  }
  const bytes = encodeModel({
    nodes: emitter.nodes,
    initializers: emitter.initializers,
    inputs: [...program.inputs].map(([name, value]) => info(name, value)),
    // ONNX Runtime does not infer every symbolic size, and plans memory badly, and slowly, for what it does not know.
    values: [...names].flatMap(([value, name]) => (value.node && !taken.has(name) ? [info(name, value)] : [])),
    outputs: outputs.map(({ name, value }) => info(name, value)),
    opsets: OPSETS,
  });
  return { bytes, outputNames };
}
