import { ShapeError } from "../util/index.ts";
import { product, showShape, type Op, type Shape, type Value } from "../graph/index.ts";
import { broadcastShapes, broadcastStrides, expectFloat, float64s, sumTo, walk } from "./helpers.ts";
import { reshape } from "./reshape.ts";

export interface MatmulAttrs extends Record<string, boolean | number> {
  readonly transA: boolean;
  readonly transB: boolean;
  readonly alpha: number;
}

/** Rows and columns of a matrix as it enters the product. */
function effective(shape: Shape, transposed: boolean): Shape {
  const [r, c] = shape.slice(-2);
  return transposed ? [c!, r!] : [r!, c!];
}

export const matmulOp: Op<MatmulAttrs> = {
  name: "matmul",
  infer: ([a, b], { transA, transB }) => {
    expectFloat("matmul", a!, b!);
    const [m, k] = effective(a!.shape, transA);
    const [k2, n] = effective(b!.shape, transB);
    if (a!.shape.length < 2 || b!.shape.length < 2 || k !== k2) {
      throw new ShapeError(
        `matmul: expected inner dimensions to agree, got ${showShape(a!.shape)}${transA ? "^T" : ""} times ${showShape(b!.shape)}${transB ? "^T" : ""}`,
      );
    }
    const batch = broadcastShapes("matmul", a!.shape.slice(0, -2), b!.shape.slice(0, -2));
    return [{ dtype: "float", shape: [...batch, m!, n!] }];
  },
  // Y = A B: dA = dY B^T, dB = A^T dY; a transposed operand gets the transpose of that.
  vjp: ({ inputs, attrs: { transA, transB, alpha } }, [dy]) => {
    const a = inputs[0]!;
    const b = inputs[1]!;
    if (b.shape.length === 2 && a.shape.length > 2 && !transA) {
      // One matrix for the whole batch: fold the batch into the rows, so that dB is one product.
      const da = matmul(dy!, b, { transB: !transB, alpha });
      const rowsA = reshape(a, [product(a.shape.slice(0, -1)), a.shape.at(-1)!]);
      const rowsY = reshape(dy!, [product(dy!.shape.slice(0, -1)), dy!.shape.at(-1)!]);
      const db = transB ? matmul(rowsY, rowsA, { transA: true, alpha }) : matmul(rowsA, rowsY, { transA: true, alpha });
      return [da, db];
    }
    const da = transA
      ? matmul(b, dy!, { transA: transB, transB: true, alpha })
      : matmul(dy!, b, { transB: !transB, alpha });
    const db = transB
      ? matmul(dy!, a, { transA: true, transB: transA, alpha })
      : matmul(a, dy!, { transA: !transA, alpha });
    return [sumTo(da, a.shape), sumTo(db, b.shape)];
  },
  onnx: ([a, b], { inputs, attrs: { transA, transB, alpha } }, e) => {
    if (!transA && !transB && alpha === 1) return e.node("MatMul", [a!, b!]);
    if (e.precision === "float32") {
      return e.node(
        "FusedMatMul",
        [a!, b!],
        { transA: { int: transA ? 1 : 0 }, transB: { int: transB ? 1 : 0 }, alpha: { float: alpha } },
        { domain: "com.microsoft" },
      );
    }
    const flip = (name: string, rank: number): string => {
      const perm = Array.from({ length: rank }, (_, i) => (i < rank - 2 ? i : i === rank - 2 ? rank - 1 : rank - 2));
      return e.node("Transpose", [name], { perm: { ints: perm } })[0]!;
    };
    const left = transA ? flip(a!, inputs[0]!.shape.length) : a!;
    const right = transB ? flip(b!, inputs[1]!.shape.length) : b!;
    const [y] = e.node("MatMul", [left, right]);
    return alpha === 1 ? [y!] : e.node("Mul", [y!, e.float(alpha)]);
  },
  reference: ([a, b], { transA, transB, alpha }) => {
    const [m, k] = effective(a!.shape, transA) as [number, number];
    const [, n] = effective(b!.shape, transB) as [number, number];
    const batch = broadcastShapes("matmul", a!.shape.slice(0, -2), b!.shape.slice(0, -2)) as number[];
    const out = float64s([...batch, m, n]);
    const batchA = a!.shape.slice(0, -2);
    const batchB = b!.shape.slice(0, -2);
    const [rowA, colA] = transA ? [1, m] : [k, 1];
    const [rowB, colB] = transB ? [1, k] : [n, 1];
    walk(batch, [broadcastStrides(batchA, batch.length), broadcastStrides(batchB, batch.length)], ([i, j], index) => {
      const startA = i! * m * k;
      const startB = j! * k * n;
      for (let r = 0; r < m; r++) {
        for (let c = 0; c < n; c++) {
          let total = 0;
          for (let t = 0; t < k; t++)
            total += a!.data[startA + r * rowA + t * colA]! * b!.data[startB + t * rowB + c * colB]!;
          out.data[index * m * n + r * n + c] = alpha * total;
        }
      }
    });
    return [out];
  },
};

/** Matrix product over the last two axes, batch axes broadcast: alpha * op(a) op(b), op transposing where asked. */
export function matmul(
  a: Value,
  b: Value,
  options: { transA?: boolean; transB?: boolean; alpha?: number } = {},
): Value {
  const { transA = false, transB = false, alpha = 1 } = options;
  return a.graph.apply(matmulOp, [a, b], { transA, transB, alpha })[0]!;
}
