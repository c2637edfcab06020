import { extname } from "node:path";
import * as z from "zod";
import { readJson } from "../../core/io/index.ts";
import { cellOf } from "../../core/tables/cells.ts";
import { CSV, delimited } from "../../core/tables/delimited.ts";
import { groupLabel } from "../../core/text/group.ts";
import { checkJson, CumaError, excerpt, show, unknownName } from "../../core/util/index.ts";
import { checkSize } from "./size.ts";

const MAX_BYTES = 10_000_000;

/**
 * A reference label for each group: a csv or tsv file with a column for each attribute of `by` and one more, the label;
 * or a json file, an object of group name to label.
 * @returns By group, and the number of entries that name no group.
 * @throws CumaError naming the file and row of what is wrong, groups that have no label, and where every group, or all
 * groups together, have a label of their own: any clusters agree with these.
 */
export async function readReference(
  path: string,
  by: readonly string[],
  groups: readonly string[],
): Promise<{ readonly labels: string[]; readonly unused: number }> {
  const labels = await readLabels(path, by);
  const missing = groups.filter((name) => !labels.has(name));
  if (missing.length > 0) {
    const more = missing.length > 5 ? ` and ${missing.length - 5} more` : "";
    throw new CumaError(
      `${path}: expected a label for each group; found none for ${excerpt(missing.slice(0, 5).join(", "))}${more}`,
    );
  }
  const found = groups.map((name) => labels.get(name)!);
  const distinct = new Set(found).size;
  if (distinct < 2 || distinct >= groups.length) {
    throw new CumaError(
      `${path}: expected 2 labels or more, and fewer than the ${groups.length} groups, so that clusters can differ from them; found ${distinct}`,
    );
  }
  return { labels: found, unused: labels.size - groups.length };
}

/** By group. */
async function readLabels(path: string, by: readonly string[]): Promise<ReadonlyMap<string, string>> {
  checkSize(path, MAX_BYTES);
  const extension = extname(path).toLowerCase();
  switch (extension) {
    case ".json": {
      const schema = z.record(z.string(), z.string().min(1));
      return new Map(Object.entries(checkJson(path, readJson(path, MAX_BYTES), schema)));
    }
    case ".csv":
      return readColumns(path, by, CSV);
    case ".tsv":
      return readColumns(path, by, ["\t"]);
    default:
      throw new CumaError(`${path}: ${unknownName("file extension", extension, [".csv", ".tsv", ".json"])}`);
  }
}

async function readColumns(
  path: string,
  by: readonly string[],
  delimiters: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const labels = new Map<string, string>();
  let row = 0;
  for await (const { cells } of delimited(path, { delimiters, columns: by })) {
    row++;
    const others = Object.keys(cells).filter((name) => !by.includes(name));
    if (others.length !== 1) {
      const [beside, found] = [by, others].map((names) => excerpt(names.join(", ")));
      throw new CumaError(
        `${path}: header: expected one column beside ${beside!}, the label; found ${found! || "none"}`,
      );
    }
    const name = groupLabel(by.map((attribute) => cellOf("text", cells[attribute]!.trim()) ?? ""));
    const label = cells[others[0]!]!.trim();
    if (label === "")
      throw new CumaError(`${path}: row ${row}: ${excerpt(others[0]!)}: expected a label, found nothing`);
    if (labels.has(name))
      throw new CumaError(`${path}: row ${row}: expected each group once, found ${show(name)} again`);
    labels.set(name, label);
  }
  return labels;
}
