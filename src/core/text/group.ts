/**
 * What tells a group from others: the one value that its profiles share or, of several attributes, the JSON list of
 * values. Different values have different keys.
 */
export function groupKey(values: readonly string[]): string {
  return values.length === 1 ? values[0]! : JSON.stringify(values);
}

/** What people call a group. Values that hold " / " can make groups of one label. */
export function groupLabel(values: readonly string[]): string {
  return values.join(" / ");
}
