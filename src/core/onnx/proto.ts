/**
 * The part of ONNX's protobuf schema (onnx.proto3, IR version 8) that this package writes: messages by field number.
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { OnnxAttrs } from "../graph/index.ts";

/** TensorProto.DataType */
export const elementType = { float32: 1, int32: 6, int64: 7, float64: 11 } as const;
export type ElementType = (typeof elementType)[keyof typeof elementType];

/** AttributeProto.AttributeType */
const attributeType = { float: 1, int: 2, string: 3, ints: 7 } as const;

export interface NodeProto {
  readonly type: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attrs: OnnxAttrs;
}

/** A tensor of known element type whose dimensions are numbers or names. */
export interface ValueInfoProto {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly (number | string)[];
}

export interface TensorProto {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array | Int32Array | BigInt64Array;
}

export interface ModelProto {
  readonly nodes: readonly NodeProto[];
  readonly initializers: readonly TensorProto[];
  readonly inputs: readonly ValueInfoProto[];
  readonly outputs: readonly ValueInfoProto[];
  /** Types of what is computed between inputs and outputs; those left out are inferred. */
  readonly values: readonly ValueInfoProto[];
  readonly opsets: Readonly<Record<string, number>>;
}

type Message = (writer: BinaryWriter) => void;

function message(writer: BinaryWriter, field: number, write: Message): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  write(writer);
  writer.join();
}

function text(writer: BinaryWriter, field: number, value: string): void {
  writer.tag(field, WireType.LengthDelimited).string(value);
}

function int(writer: BinaryWriter, field: number, value: number): void {
  writer.tag(field, WireType.Varint).int64(value);
}

function attribute(name: string, value: OnnxAttrs[string]): Message {
  return (w) => {
    text(w, 1, name);
    if ("float" in value) {
      w.tag(2, WireType.Bit32).float(value.float);
      int(w, 20, attributeType.float);
    } else if ("int" in value) {
      int(w, 3, value.int);
      int(w, 20, attributeType.int);
    } else if ("text" in value) {
      text(w, 4, value.text);
      int(w, 20, attributeType.string);
    } else {
      for (const item of value.ints) int(w, 8, item);
      int(w, 20, attributeType.ints);
    }
  };
}

function node({ type, domain, inputs, outputs, attrs }: NodeProto): Message {
  return (w) => {
    for (const name of inputs) text(w, 1, name);
    for (const name of outputs) text(w, 2, name);
    text(w, 4, type);
    for (const [name, value] of Object.entries(attrs)) message(w, 5, attribute(name, value));
    if (domain !== "") text(w, 7, domain);
  };
}

function valueInfo({ name, type, shape }: ValueInfoProto): Message {
  return (w) => {
    text(w, 1, name);
    message(w, 2, (typeProto) =>
      message(typeProto, 1, (tensorType) => {
        int(tensorType, 1, type);
        message(tensorType, 2, (shapeProto) => {
          for (const dim of shape) {
            message(shapeProto, 1, (d) => (typeof dim === "number" ? int(d, 1, dim) : text(d, 2, dim)));
          }
        });
      }),
    );
  };
}

function tensor({ name, type, shape, data }: TensorProto): Message {
  return (w) => {
    for (const dim of shape) int(w, 1, dim);
    int(w, 2, type);
    text(w, 8, name);
    w.tag(9, WireType.LengthDelimited).bytes(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  };
}

/** Serialises a ModelProto. Tensor data is written as raw little-endian bytes. */
export function encodeModel(model: ModelProto): Uint8Array {
  const writer = new BinaryWriter();
  int(writer, 1, 8);
  text(writer, 2, "cuma");
  message(writer, 7, (graph) => {
    for (const n of model.nodes) message(graph, 1, node(n));
    text(graph, 2, "cuma");
    for (const t of model.initializers) message(graph, 5, tensor(t));
    for (const input of model.inputs) message(graph, 11, valueInfo(input));
    for (const output of model.outputs) message(graph, 12, valueInfo(output));
    for (const value of model.values) message(graph, 13, valueInfo(value));
  });
  for (const [domain, version] of Object.entries(model.opsets)) {
    message(writer, 8, (opset) => {
      text(opset, 1, domain);
      int(opset, 2, version);
    });
  }
  return writer.finish();
}
