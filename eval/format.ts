/** A number of a result: four decimals, "n/a" where it does not apply. */
export function number(value: number, digits = 4): string {
  if (Number.isNaN(value)) return "n/a";
  if (!Number.isFinite(value)) return value > 0 ? "infinite" : "-infinite";
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text;
}

/** "[0.1200, 0.3400]" */
export function interval({ low, high }: { readonly low: number; readonly high: number }): string {
  return Number.isNaN(low) && Number.isNaN(high) ? "n/a" : `[${number(low)}, ${number(high)}]`;
}

/** A count with thousands separated. */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** A p-value: "< 0.001" below a thousandth. */
export function pValue(value: number): string {
  return value < 0.001 ? "< 0.001" : number(value, 3);
}

/** "no answer: 30; no country: 2", or "none". */
export function leftOut(excluded: Readonly<Record<string, number>>): string {
  return (
    Object.entries(excluded)
      .map(([why, n]) => `${why}: ${count(n)}`)
      .join("; ") || "none"
  );
}
