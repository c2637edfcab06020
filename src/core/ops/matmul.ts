import { product, showShape, type Dim, type Op, type TensorType, type Value } from "../graph/index.ts";
import { ShapeError } from "../util/index.ts";
import { broadcastStrides, element, float64s, offsets } from "./kernels.ts";
import { sumTo } from "./reduceSum.ts";
import { reshape } from "./reshape.ts";
import { broadcastShapes, expectFloat, expectRank } from "./shapes.ts";

export interface MatmulAttrs extends Record<string, boolean | number> {
  readonly transA: boolean;
  readonly transB: boolean;
  readonly alpha: number;
}

/** Rows and columns of a matrix as it enters the product. */
function effective<D extends Dim>({ shape }: { readonly shape: readonly D[] }, transposed: boolean): readonly [D, D] {
  const [rows, columns] = expectRank("matmul", { shape: shape.slice(-2) }, 2);
  return transposed ? [columns, rows] : [rows, columns];
}

/** The axes before the matrix. */
function batchOf<D extends Dim>({ shape }: { readonly shape: readonly D[] }): readonly D[] {
  return shape.slice(0, -2);
}

/** The batch folded into the rows of one matrix. */
function asMatrix(x: Value): Value {
  return reshape(x, [product(x.shape.slice(0, -1)), ...x.shape.slice(-1)]);
}

export const matmulOp: Op<[a: Value, b: Value], MatmulAttrs> = {
  name: "matmul",
  infer: ([a, b], { transA, transB }) => {
    expectFloat("matmul", a, b);
    const show = ({ shape }: TensorType, transposed: boolean): string => `${showShape(shape)}${transposed ? "^T" : ""}`;
    const disagree = new ShapeError(
      `matmul: expected inner dimensions to agree, got ${show(a, transA)} times ${show(b, transB)}`,
    );
    if (a.shape.length < 2 || b.shape.length < 2) throw disagree;
    const [m, k] = effective(a, transA);
    const [k2, n] = effective(b, transB);
    if (k !== k2) throw disagree;
    return [{ dtype: "float", shape: [...broadcastShapes("matmul", batchOf(a), batchOf(b)), m, n] }];
  },
  // Y = A B: dA = dY B^T, dB = A^T dY; a transposed operand gets the transpose of that.
  vjp: ({ inputs: [a, b], attrs: { transA, transB, alpha } }, [dy]) => {
    if (b.shape.length === 2 && a.shape.length > 2 && !transA) {
      // One matrix for the whole batch: fold the batch into the rows, so that dB is one product.
      const da = matmul(dy, b, { transB: !transB, alpha });
      const rowsA = asMatrix(a);
      const rowsY = asMatrix(dy);
      const db = transB ? matmul(rowsY, rowsA, { transA: true, alpha }) : matmul(rowsA, rowsY, { transA: true, alpha });
      return [da, db];
    }
    const da = transA
      ? matmul(b, dy, { transA: transB, transB: true, alpha })
      : matmul(dy, b, { transB: !transB, alpha });
    const db = transB
      ? matmul(dy, a, { transA: true, transB: transA, alpha })
      : matmul(a, dy, { transA: !transA, alpha });
    return [sumTo(da, a.shape), sumTo(db, b.shape)];
  },
  onnx: ([a, b], { inputs, attrs: { transA, transB, alpha } }, e) => {
    if (!transA && !transB && alpha === 1) return [e.node("MatMul", [a, b])];
    if (e.fused) {
      const attrs = { transA: { int: transA ? 1 : 0 }, transB: { int: transB ? 1 : 0 }, alpha: { float: alpha } };
      return [e.node("FusedMatMul", [a, b], attrs, "com.microsoft")];
    }
    const flip = (name: string, rank: number): string => {
      const perm = Array.from({ length: rank }, (_, i) => (i < rank - 2 ? i : i === rank - 2 ? rank - 1 : rank - 2));
      return e.node("Transpose", [name], { perm: { ints: perm } });
    };
    const left = transA ? flip(a, inputs[0].shape.length) : a;
    const right = transB ? flip(b, inputs[1].shape.length) : b;
    const y = e.node("MatMul", [left, right]);
    return [alpha === 1 ? y : e.node("Mul", [y, e.float(alpha)])];
  },
  reference: ([a, b], { transA, transB, alpha }) => {
    const [m, k] = effective(a, transA);
    const [, n] = effective(b, transB);
    const batch = broadcastShapes("matmul", batchOf(a), batchOf(b));
    const out = float64s([...batch, m, n]);
    const [rowA, colA] = transA ? [1, m] : [k, 1];
    const [rowB, colB] = transB ? [1, k] : [n, 1];
    const matrixA = offsets(batch, broadcastStrides(batchOf(a), batch.length));
    const matrixB = offsets(batch, broadcastStrides(batchOf(b), batch.length));
    for (const [index, i] of matrixA.entries()) {
      const startA = i * m * k;
      const startB = element(matrixB, index) * k * n;
      for (let r = 0; r < m; r++) {
        for (let c = 0; c < n; c++) {
          let total = 0;
          for (let t = 0; t < k; t++)
            total += element(a.data, startA + r * rowA + t * colA) * element(b.data, startB + t * rowB + c * colB);
          out.data[index * m * n + r * n + c] = alpha * total;
        }
      }
    }
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
  return a.graph.apply(matmulOp, [a, b], { transA, transB, alpha })[0];
}
