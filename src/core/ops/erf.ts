import type { Value } from "../graph/index.ts";
import { CumaError } from "../util/index.ts";
import { apply1, unary } from "./elementwise.ts";
import { exp } from "./exp.ts";
import { mul } from "./mul.ts";
import { neg } from "./neg.ts";

const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI);

/** Error function to double precision: Maclaurin series near 0, continued fraction (Lentz) of erfc far from it. */
export function erfOf(x: number): number {
  const z = Math.abs(x);
  if (Number.isNaN(x)) return NaN;
  if (z < 2.5) {
    let term = z;
    let total = z;
    for (let n = 1; Math.abs(term) > 1e-18 * total && n < 200; n++) {
      term *= (-z * z) / n;
      total += term / (2 * n + 1);
    }
    return Math.sign(x) * TWO_OVER_SQRT_PI * total;
  }
  if (z > 6) return Math.sign(x);
  // erfc(z) = exp(-z^2) / sqrt(pi) * 1 / (z + (1/2)/(z + 1/(z + (3/2)/(z + ...))))
  let fraction = z;
  for (let n = 120; n >= 1; n--) fraction = z + n / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-z * z) / Math.sqrt(Math.PI) / fraction);
}

export const erfOp = unary({
  name: "erf",
  onnx: (x, e) => {
    if (e.precision === "float64")
      throw new CumaError("erf: ONNX Runtime has no float64 kernel; use the reference engine");
    return e.node("Erf", [x]);
  },
  f: erfOf,
  // d(erf x) = 2/sqrt(pi) exp(-x^2) dx
  vjp: (x, _y, dy) => mul(dy, mul(exp(neg(mul(x, x))), TWO_OVER_SQRT_PI)),
});

/** Gauss error function. */
export function erf(x: Value): Value {
  return apply1(erfOp, x);
}
