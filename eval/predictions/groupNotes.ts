import { count, excerpt, show } from "../../src/core/util/index.ts";
import { groupsOf } from "./input.ts";
import type { PredictionTable } from "./predictionTable.ts";

/**
 * What is to be known of groups before numbers about them are believed: values of an attribute that differ only in case or
 * white space and make different groups, and groups of one row, where there are more of these than of others.
 * @throws CumaError for an attribute that no row has.
 */
export function groupNotes(table: PredictionTable, by: readonly string[]): string[] {
  const { codes, names } = groupsOf(table, by);
  const rows = new Int32Array(names.length);
  for (const code of codes) if (code >= 0) rows[code]! += 1;
  const single = rows.reduce((found, of) => found + (of === 1 ? 1 : 0), 0);
  const notes = by.flatMap((name) => alike(name, table.attributes.get(name)!.values));
  if (single > 1 && 2 * single > names.length) {
    notes.push(
      `${excerpt(by.join(","))}: ${count(single, "group")} of ${names.length.toLocaleString("en-US")} have one row`,
    );
  }
  return notes;
}

function alike(attribute: string, values: readonly string[]): string[] {
  const first = new Map<string, string>();
  const pairs: [string, string][] = [];
  for (const value of values) {
    const key = value.normalize("NFKC").trim().replace(/\s+/g, " ").toLowerCase();
    const before = first.get(key);
    if (before === undefined) first.set(key, value);
    else pairs.push([before, value]);
  }
  const [pair] = pairs;
  if (!pair) return [];
  const more = pairs.length > 1 ? ` (and ${count(pairs.length - 1, "more pair")})` : "";
  return [
    `${excerpt(attribute)}: ${show(pair[0])} and ${show(pair[1])}${more} differ only in case or white space, and are different groups`,
  ];
}
