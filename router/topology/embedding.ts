import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { largest } from "../../src/core/util/index.ts";

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Coordinates whose sizes differ by less, relative to the largest, are equally large but for rounding. */
const ROUNDING = 1e-9;

/**
 * Classical multidimensional scaling (Torgerson 1952): the two leading eigenvectors of B = -1/2 J D^2 J,
 * J = I - 1/G 11', each times the root of its eigenvalue. Distances between points are at most the given ones where those
 * are Euclidean, and equal to them where they are so in the plane; eigenvalues below 0 count as 0. The mean of the points
 * is the origin, and in each coordinate the largest value by size (the first of equal ones) is positive.
 * @param distances Symmetric [G][G], G >= 1, finite, with a zero diagonal.
 */
export function classicalScaling(distances: readonly (readonly number[])[]): Point[] {
  const n = distances.length;
  const squared = distances.map((row) => row.map((d) => d * d));
  const means = squared.map((row) => row.reduce((a, b) => a + b, 0) / n);
  const mean = means.reduce((a, b) => a + b, 0) / n;
  const centred = squared.map((row, i) => row.map((d, j) => -(d - means[i]! - means[j]! + mean) / 2));
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(new Matrix(centred), {
    assumeSymmetric: true,
  });
  const leading = realEigenvalues.map((_, i) => i).sort((a, b) => realEigenvalues[b]! - realEigenvalues[a]!);
  const coordinate = (rank: number): number[] => {
    const at = leading[rank];
    if (at === undefined || !(realEigenvalues[at]! > 0)) return new Array<number>(n).fill(0);
    const vector = eigenvectorMatrix.getColumn(at);
    const size = largest(vector.map(Math.abs));
    const first = vector.find((v) => Math.abs(v) >= size * (1 - ROUNDING))!;
    const scale = Math.sign(first) * Math.sqrt(realEigenvalues[at]!);
    return vector.map((v) => v * scale);
  };
  const [x, y] = [coordinate(0), coordinate(1)];
  return x.map((value, i) => ({ x: value, y: y[i]! }));
}
