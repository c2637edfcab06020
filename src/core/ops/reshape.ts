import { product, sameShape, showShape, type Op, type Shape, type Value } from "../graph/index.ts";
import { ShapeError } from "../util/index.ts";

export interface ReshapeAttrs extends Record<string, Shape> {
  readonly shape: Shape;
}

export const reshapeOp: Op<[x: Value], ReshapeAttrs> = {
  name: "reshape",
  cheap: true,
  infer: ([x], { shape }) => {
    if (product(x.shape) !== product(shape)) {
      throw new ShapeError(`reshape: expected as many elements as ${showShape(x.shape)}, got ${showShape(shape)}`);
    }
    return [{ dtype: x.dtype, shape }];
  },
  // dx = dy, in the shape of x
  vjp: ({ inputs: [x] }, [dy]) => [reshape(dy, x.shape)],
  onnx: ([name], { inputs: [x], attrs: { shape } }, e) => {
    // 0 copies the input's dimension at the same place, -1 is inferred.
    const spec = shape.map((dim, i) => (typeof dim === "number" ? dim : dim === x.shape[i] ? 0 : -1));
    const known = spec.filter((dim) => dim === -1).length <= 1 && !shape.includes(0);
    return [e.node("Reshape", [name, known ? e.int64s(spec) : e.shape(shape)])];
  },
  reference: ([x], { shape }, { size }) => [{ shape: shape.map(size), data: x.data }],
};

/** The same elements in another shape. */
export function reshape(x: Value, shape: Shape): Value {
  return sameShape(x.shape, shape) ? x : x.graph.apply(reshapeOp, [x], { shape })[0];
}
