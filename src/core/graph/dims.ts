/**
 * Sizes of a tensor's axes, known or symbolic.
 *
 * A number is a known size. A string is a product in canonical form, its integer factor first and its symbols in
 * alphabetical order: `"B"`, `"B*T"`, `"2*B*T"`. A symbol is a name, a parenthesised sum such as `"(P+T)"`, which is
 * what concatenation along a symbolic axis gives, or a quotient that is rounded up such as `"ceil(2*B*T/16)"`.
 */
export type Dim = number | string;
export type Shape = readonly Dim[];

interface Product {
  factor: number;
  symbols: string[];
}

function parse(dim: Dim): Product {
  if (typeof dim === "number") return { factor: dim, symbols: [] };
  const product: Product = { factor: 1, symbols: [] };
  let depth = 0;
  let start = 0;
  for (let i = 0; i <= dim.length; i++) {
    const c = dim[i];
    if (c === "(") depth++;
    else if (c === ")") depth--;
    else if ((c === "*" || c === undefined) && depth === 0) {
      const part = dim.slice(start, i);
      if (/^\d+$/.test(part)) product.factor *= Number(part);
      else product.symbols.push(part);
      start = i + 1;
    }
  }
  return product;
}

function format({ factor, symbols }: Product): Dim {
  if (symbols.length === 0 || factor === 0) return factor;
  const names = [...symbols].sort();
  return (factor === 1 ? names : [String(factor), ...names]).join("*");
}

/** Product of sizes: `product(["T", 3, "B"])` is `"3*B*T"`. */
export function product(dims: Shape): Dim {
  const parts = dims.map(parse);
  return format({
    factor: parts.reduce((f, p) => f * p.factor, 1),
    symbols: parts.flatMap((p) => p.symbols),
  });
}

/** Sum of sizes: numbers add up, and a symbolic sum becomes one symbol. */
export function sum(dims: Shape): Dim {
  const known = dims.filter((d) => typeof d === "number").reduce((a, b) => a + b, 0);
  const symbolic = dims.filter((d) => typeof d === "string");
  if (symbolic.length === 0) return known;
  const terms = known === 0 ? symbolic : [...symbolic, known];
  const [only, ...others] = terms;
  return only !== undefined && others.length === 0 ? only : `(${terms.join("+")})`;
}

/** dim / divisor, rounded up. */
export function quotient(dim: Dim, divisor: number): Dim {
  return typeof dim === "number" ? Math.ceil(dim / divisor) : `ceil(${dim}/${divisor})`;
}

/** Dividend and divisor of a symbol that is a quotient. */
export function quotientParts(symbol: string): { readonly dividend: Dim; readonly divisor: number } | undefined {
  if (!symbol.startsWith("ceil(")) return undefined;
  const slash = symbol.lastIndexOf("/");
  return { dividend: symbol.slice(5, slash), divisor: Number(symbol.slice(slash + 1, -1)) };
}

/** Values of symbols, as found in the shapes of the feeds. */
export type Bindings = ReadonlyMap<string, number>;

/** The size in numbers, or undefined where a symbol of it is not bound. */
export function evaluate(dim: Dim, bindings: Bindings): number | undefined {
  const { factor, symbols } = parse(dim);
  let result = factor;
  for (const symbol of symbols) {
    let size = bindings.get(symbol);
    const rounded = quotientParts(symbol);
    if (size === undefined && rounded) {
      const dividend = evaluate(rounded.dividend, bindings);
      if (dividend !== undefined) size = Math.ceil(dividend / rounded.divisor);
    } else if (size === undefined && symbol.startsWith("(")) {
      size = 0;
      for (const term of sumTerms(symbol)) {
        const value = evaluate(term, bindings);
        if (value === undefined) return undefined;
        size += value;
      }
    }
    if (size === undefined) return undefined;
    result *= size;
  }
  return result;
}

/** The factors of a product, each a number or one symbol. */
export function factors(dim: Dim): Dim[] {
  const { factor, symbols } = parse(dim);
  return factor === 1 && symbols.length > 0 ? symbols : [factor, ...symbols];
}

/** The terms of a symbolic sum `"(P+T)"`. */
export function sumTerms(symbol: string): Dim[] {
  const terms: Dim[] = [];
  let depth = 0;
  let start = 1;
  for (let i = 1; i < symbol.length; i++) {
    const c = symbol[i];
    if (c === "(") depth++;
    if ((c === "+" || c === ")") && depth === 0) {
      const term = symbol.slice(start, i);
      terms.push(/^\d+$/.test(term) ? Number(term) : term);
      start = i + 1;
    } else if (c === ")") depth--;
  }
  return terms;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}

/** "[B, T, 576]" */
export function showShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}
